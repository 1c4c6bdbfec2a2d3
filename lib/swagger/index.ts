export { ApiJwtKnox } from './api-jwt-knox.decorator';
export type { ApiJwtKnoxOptions } from './api-jwt-knox.decorator';
export { describeJwtKnox } from './describe-jwt-knox';
export type { OpenApiDocument } from './document-draft';
