import { HttpStatus } from '@nestjs/common';
import { JwtKnoxError } from './errors';

/**
 * A page of another site made a browser send this request, along with the user's cookies. Nothing was read or changed.
 * @example
 * new CookieTransport({ trustedOrigins: ['https://app.example.com'] }); // lets the pages of this site in
 */
export class CrossOriginRefusedError extends JwtKnoxError {
  constructor() {
    super(
      'cross_origin_refused',
      HttpStatus.FORBIDDEN,
      'Forbidden',
      'This request comes from another site, which may not use the cookies of this one.',
    );
  }
}
