import { messageCases } from '../support/message-cases';
import { doors } from '../support/message-doors';

messageCases('NATS', doors.NATS, 1);
messageCases('RabbitMQ', doors.RabbitMQ, 7);
messageCases('MQTT 5', doors['MQTT 5'], 7);
