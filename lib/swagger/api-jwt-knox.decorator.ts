import { SetMetadata } from '@nestjs/common';

/** Metadata key under which a route says that a token opens it, where no guard shows it. */
export const API_JWT_KNOX = 'jwt-knox:api';

/** What {@link ApiJwtKnox} says of a route. */
export interface ApiJwtKnoxOptions {
  /** Whether requests without a token are let in too. @default false */
  optional?: boolean | undefined;
  /** The realm whose tokens are let in, in an application with several. @default that of the first module */
  realm?: string | undefined;
}

/**
 * Tells the document that a token opens a route or a controller, where `describeJwtKnox` cannot see it: behind a guard of
 * your own that calls `TokenService.authenticate`, or one of Passport's. It guards nothing.
 * @example
 * `class Reports { @Get() @UseGuards(OwnGuard) @ApiJwtKnox() list() {} }`
 */
export const ApiJwtKnox = (options: ApiJwtKnoxOptions = {}) => SetMetadata(API_JWT_KNOX, options);
