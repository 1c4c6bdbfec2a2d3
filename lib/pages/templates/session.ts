import { passwordField } from './programs';

/** What its user does about it: ends it, or says that it was seen, which wants no password. */
const answer = `<form class="actions" method="post" action="<%= it.root %>pages/devices<%= it.needsProof ? '/confirmed' : '' %>">
<input type="hidden" name="id" value="<%= one.id %>">
<input type="hidden" name="refused_at" value="<%= one.refusal.at %>">
${passwordField('it.needsProof', "'refused-' + one.id")}<button class="main" name="action" value="end"<% if (one.isCurrent) { %> formaction="<%= it.root %>pages/devices" formnovalidate<% } %> aria-label="<%= it.t(one.isCurrent ? 'device.endHere' : 'device.end') %>: <%= one.title %>"><%= it.t(one.isCurrent ? 'device.endHere' : 'device.end') %></button>
<% if (it.others.length > 0) { %><button name="action" value="end-others"><%= it.t('devices.endOthers') %></button>
<% } %><button name="action" value="dismiss" formaction="<%= it.root %>pages/devices" formnovalidate aria-label="<%= it.t('device.refusedSeen') %>: <%= one.title %>"><%= it.t('device.refusedSeen') %></button>
</form>
`;

/** A copy of the session's token was refused. */
const refusal = `<% const { one } = it; if (one.refusal) { %><div class="alarm">
<p role="alert"><strong><%= it.t('device.refused') %></strong>
<time datetime="<%= one.refusal.iso %>"><%= one.refusal.relative %> <span class="absolute"><%= one.refusal.absolute %></span></time></p>
<% if (it.mayDismiss) { %><p><%= it.t('device.refusedAdvice') %></p>
${answer}<% } %></div>
<% } %>`;

/** One session, of the user or of another. */
export const session = `<h3><bdi><%= it.one.title %></bdi></h3>
<% if (it.one.description) { %><p class="description"><bdi><%= it.one.description %></bdi></p>
<% } %><% if (it.one.marks.length > 0) { %><ul class="marks">
<% for (const mark of it.one.marks) { %><li><%= mark %></li>
<% } %></ul>
<% } %>${refusal}<dl>
<% for (const fact of it.one.facts) { %><div><dt><%= fact.label %></dt><dd><%= fact.text %></dd></div>
<% } %><% for (const moment of it.one.moments) { %><div><dt><%= moment.label %></dt><dd><time datetime="<%= moment.iso %>"><%= moment.relative %> <span class="absolute"><%= moment.absolute %></span></time></dd></div>
<% } %></dl>
`;
