import { passwordField } from './programs';

const rename = `<details><summary aria-label="<%= it.t('device.rename') %>: <%= one.title %>"><%= it.t('device.rename') %></summary>
<form method="post" action="<%= it.root %>pages/devices">
<input type="hidden" name="id" value="<%= one.id %>">
<p><label for="name-<%= one.id %>"><%= it.t('device.name') %></label>
<input id="name-<%= one.id %>" name="device_name" maxlength="128" autocomplete="off" value="<%= one.name %>"></p>
<p><button name="action" value="rename"><%= it.t('device.rename') %></button></p>
</form></details>
`;

const end = `<form method="post" action="<%= it.root %>pages/devices<%= it.needsProof && !one.isCurrent ? '/confirmed' : '' %>">
<input type="hidden" name="id" value="<%= one.id %>">
${passwordField('it.needsProof && !one.isCurrent', "'password-' + one.id")}<button name="action" value="end" aria-label="<%= it.t(one.isCurrent ? 'device.endHere' : 'device.end') %>: <%= one.title %>"><%= it.t(one.isCurrent ? 'device.endHere' : 'device.end') %></button>
</form>
`;

const card = `<%~ include('@session', { one, mayDismiss: it.isLogin }) %>
<div class="actions"><% if (it.isLogin) { %>${rename}<% } %><% if (!one.refusal || !it.isLogin) { %>${end}<% } %></div>
`;

/** What a script replaces when it changes. */
export const list = `<h2><%= it.t('devices.current') %></h2>
<% for (const one of it.current) { %><section class="card current">
${card}</section>
<% } %><h2><%= it.t('devices.others') %></h2>
<% if (it.others.length === 0) { %><p><%= it.t('devices.alone') %></p>
<% } else { %><ul class="cards">
<% for (const one of it.others) { %><li class="card">
${card}</li>
<% } %></ul>
<% if (it.newest) { %><p><%= it.newest %></p>
<% } %><% } %><h2><%= it.t('devices.all') %></h2>
<form class="actions" method="post" action="<%= it.root %>pages/devices<%= it.needsProof ? '/confirmed' : '' %>">
${passwordField('it.needsProof', "'password-all'")}<% if (it.others.length > 0) { %><button name="action" value="end-others"><%= it.t('devices.endOthers') %></button>
<% } %><button name="action" value="end-all"><%= it.t('devices.endAll') %></button>
</form>
`;

export const devices = `<h1><%= it.t('devices.title') %></h1>
<% for (const notice of it.notices) { %><p class="notice"><%= notice %></p>
<% } %><% if (it.done) { %><p class="done" role="status"><%= it.done %></p>
<% } %><% if (it.problem) { %><p class="problem" role="alert"><%= it.problem %></p>
<% } %><p><%= it.t('devices.intro') %></p>
<% if (it.live) { %><div id="knox-live" data-events="<%= it.live.events %>" data-page="<%= it.live.page %>" data-login="<%= it.live.login %>">
<%~ include('@list', it) %></div>
<script type="module" src="<%= it.live.script %>"></script>
<% } else { %><%~ include('@list', it) %><% } %><% if (it.programs) { %><%~ include('@programs', it) %><% } %>`;
