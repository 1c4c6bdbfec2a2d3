import { doors } from '../support/message-doors';
import { messageCases } from '../support/message-cases';

// Brokers are met in test/brokers; this one is in the process of the test.
messageCases('gRPC', doors.gRPC, 1);
