// What a front end of your own does: one client, created once; what it shows follows from `onChange`.
import { createJwtKnoxClient, JwtKnoxClientError } from './client/index.mjs';

const { baseUrl, mode, other } = await (await fetch('config.json')).json();
// In mode `cookie` no token is within reach of this script. In mode `bearer` the client keeps them where all tabs see them.
const client = createJwtKnoxClient({ baseUrl, mode, ...(mode === 'bearer' && { storage: localStorage }) });

const by = (id) => document.getElementById(id);
by('mode').textContent = mode;
if (other) {
  by('switch').hidden = false;
  by('switch').href = other.url;
  by('switch').textContent = `Switch to mode ${other.mode}`;
}

/** What others wrote is text, never markup. */
function element(tag, text, ...children) {
  const made = document.createElement(tag);
  made.append(text, ...children);
  return made;
}

/** Does what somebody asked for, and says what went wrong. Whoever is logged out meanwhile is shown the login. */
async function attempt(work) {
  by('problem').hidden = true;
  try {
    await work();
  } catch (error) {
    by('problem').textContent = error instanceof JwtKnoxClientError ? error.message : 'The server does not answer.';
    by('problem').hidden = false;
  }
}

async function json(path, init) {
  const response = await client.fetch(path, init);
  if (!response.ok) {
    const { code, message } = await response.json().catch(() => ({}));
    throw new JwtKnoxClientError(response.status, code, String(message ?? response.status));
  }
  return response.json();
}

async function showNotes() {
  const notes = await json('/notes');
  by('notes').replaceChildren(...notes.map(({ text }) => element('li', text)));
}

async function showSessions() {
  const rows = (await client.sessions()).map(({ id, device_name: name, user_agent: agent, current }) => {
    if (current) return element('li', `${name ?? agent ?? 'Unknown'} (this one)`);
    const end = element('button', 'End');
    end.addEventListener('click', () =>
      attempt(async () => {
        await client.revoke(id);
        await showSessions();
      }),
    );
    return element('li', `${name ?? agent ?? 'Unknown'} `, end);
  });
  by('sessions').replaceChildren(...rows);
}

// Called in every tab, whichever of them somebody logs in or out in.
client.onChange((sessionId) => {
  by('login').hidden = sessionId !== null;
  by('inside').hidden = sessionId === null;
  for (const id of ['username', 'session', 'notes', 'sessions']) by(id).replaceChildren();
  if (sessionId === null) return;
  by('session').textContent = sessionId;
  void attempt(async () => {
    by('username').textContent = (await json('/me')).username;
    await Promise.all([showNotes(), showSessions()]);
  });
});

const onClick = (id, work) => by(id).addEventListener('click', () => attempt(work));
const onSubmit = (id, work) =>
  by(id).addEventListener('submit', (event) => {
    event.preventDefault();
    void attempt(async () => {
      await work(Object.fromEntries(new FormData(event.target)));
      event.target.reset();
    });
  });

onSubmit('login', ({ device_name: name, ...credentials }) =>
  client.login({ ...credentials, ...(name && { device_name: name }) }),
);
onSubmit('add', async (note) => {
  const headers = { 'content-type': 'application/json' };
  await json('/notes', { method: 'POST', headers, body: JSON.stringify(note) });
  await showNotes();
});
onClick('logout', () => client.logout());
onClick('logout-all', () => client.logoutAll());
onClick('end-others', async () => {
  await client.logoutOther();
  await showSessions();
});

// Asks the server who is logged in: this page may have been opened for the first time, or the session have ended since.
await attempt(() => client.session());
