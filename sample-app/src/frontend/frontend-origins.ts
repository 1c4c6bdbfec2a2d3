/** The two origins of the front end, one for each mode of the client. Cookies and tokens of the two do not meet. */
export function frontendOrigins(port: number, isEncrypted: boolean): { cookie: string; bearer: string } {
  const scheme = isEncrypted ? 'https' : 'http';
  return { cookie: `${scheme}://localhost:${port}`, bearer: `${scheme}://127.0.0.1:${port}` };
}
