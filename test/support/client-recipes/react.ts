import { useEffect, useState } from 'react';
import type { JwtKnoxClient } from '../../../lib/client/index.mjs';

/** The id of the session; null when nobody is logged in, undefined until that is known. */
export function useSessionId(client: JwtKnoxClient): string | null | undefined {
  const [sessionId, setSessionId] = useState<string | null>();
  useEffect(() => {
    const stop = client.onChange(setSessionId);
    // Asks the server; while that has no answer, what this browser knows is shown.
    client.session().catch(() => undefined);
    return stop;
  }, [client]);
  return sessionId;
}
