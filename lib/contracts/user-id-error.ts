/**
 * The storage does not give a user's id back as `UserProvider.getId` returned it, or has sessions of the user in another
 * spelling: no request would find the user of the session, or not all of their sessions would end. A mistake of the
 * application: no session is started, and the login is answered with 500.
 * @example
 * if (!UUID.test(record.userId)) throw new UnstorableUserIdError('sessions.user_id is a UUID');
 */
export class UnstorableUserIdError extends Error {
  /** @param why what the storage does to the id, as a sentence without a full stop */
  constructor(why: string) {
    super(
      `The user's id cannot be used: ${why}. UserProvider.getId(user) must return the id as the storage gives it back, a UUID in lowercase for example.`,
    );
    this.name = 'UnstorableUserIdError';
  }
}
