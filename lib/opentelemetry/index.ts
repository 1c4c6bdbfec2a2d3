export { observeJwtKnox, openTelemetry } from './feature';
export type { OpenTelemetryOptions } from './options';
