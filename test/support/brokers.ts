/** Where the brokers of the tests are. */
export const BROKERS = {
  nats: process.env.TEST_NATS_URL ?? 'nats://127.0.0.1:4222',
  rabbitmq: process.env.TEST_RABBITMQ_URL ?? 'amqp://guest:guest@127.0.0.1:5672',
  mqtt: process.env.TEST_MQTT_URL ?? 'mqtt://127.0.0.1:1883',
  redis: process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379',
};
