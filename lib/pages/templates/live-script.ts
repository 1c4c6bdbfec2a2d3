import { sha256 } from '../../tokens/token-key';

/**
 * Keeps the list of devices as it is. A module without imports; what it does not do, the page does without scripts.
 * Events carry the list as HTML, made as that of the page.
 */
export const LIVE_SCRIPT = `const area = document.getElementById('knox-live');
const { events, page, login } = area.dataset;
const WAIT_MS = 5000;
let source, timer, next = null;

// Not below the hands of somebody who is about to use it.
const show = () => {
  if (next === null || area.contains(document.activeElement)) return;
  area.innerHTML = next;
  next = null;
};

// The stream was refused: a navigation tells why, or renews what has expired.
const look = async () => {
  const answer = await fetch(page, { redirect: 'manual' }).catch(() => null);
  if (document.hidden) return;
  if (answer?.type === 'opaqueredirect') location.reload();
  else timer = setTimeout(answer?.ok ? open : look, WAIT_MS);
};

const close = () => {
  clearTimeout(timer);
  source?.close();
};

const open = () => {
  close();
  source = new EventSource(events);
  source.addEventListener('devices', ({ data }) => {
    next = data;
    show();
  });
  source.addEventListener('ended', () => {
    close();
    location.replace(login);
  });
  source.addEventListener('error', ({ target }) => {
    if (target === source && target.readyState === EventSource.CLOSED) look();
  });
};

area.addEventListener('focusout', () => setTimeout(show));
// A browser keeps few connections to a site: none for a page that nobody sees.
document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
if (!document.hidden) open();
`;

export const LIVE_SCRIPT_NAME = `live.${sha256(LIVE_SCRIPT).slice(0, 16)}.js`;
