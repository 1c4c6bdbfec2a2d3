import { onScopeDispose, readonly, type Ref, shallowRef } from 'vue';
import type { JwtKnoxClient } from '../../../lib/client/index.mjs';

/** The id of the session; null when nobody is logged in, undefined until that is known. */
export function useSessionId(client: JwtKnoxClient): Readonly<Ref<string | null | undefined>> {
  const sessionId = shallowRef<string | null>();
  onScopeDispose(client.onChange((id) => void (sessionId.value = id)));
  // Asks the server; while that has no answer, what this browser knows is shown.
  client.session().catch(() => undefined);
  return readonly(sessionId);
}
