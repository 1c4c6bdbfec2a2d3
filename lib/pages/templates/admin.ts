const search = `<h2 id="search"><%= it.t('admin.search') %></h2>
<form class="card" method="get" action="<%= it.root %>admin/users" role="search" aria-labelledby="search">
<p><label for="user-id"><%= it.t('admin.userId') %></label>
<input id="user-id" name="user_id" maxlength="255" autocomplete="off" spellcheck="false" required></p>
<p><button class="main"><%= it.t('admin.show') %></button></p>
</form>
`;

const chart = `<% if (it.bars.length > 0) { %><h2 id="browsers"><%= it.t('admin.browsers') %></h2>
<svg class="chart" viewBox="0 0 320 <%= it.bars.length * 36 %>" role="img" aria-labelledby="browsers bars">
<desc id="bars"><%= it.summary %></desc>
<% for (const [index, bar] of it.bars.entries()) { %><text x="0" y="<%= index * 36 + 12 %>"><%= bar.name %></text>
<rect class="bar" x="0" y="<%= index * 36 + 17 %>" width="<%= bar.width %>" height="12" rx="2"/>
<text x="<%= bar.width + 6 %>" y="<%= index * 36 + 27 %>"><%= bar.count %></text>
<% } %></svg>
<% } %>`;

export const admin = `<h1><%= it.t('admin.title') %></h1>
<% if (it.done) { %><p class="done" role="status"><%= it.done %></p>
<% } %><dl class="tiles">
<% for (const tile of it.tiles) { %><div class="card"><dt><%= tile.label %></dt><dd><%= tile.text %></dd></div>
<% } %></dl>
${chart}${search}<h2><%= it.t('admin.purge') %></h2>
<p><%= it.t('admin.purgeIntro') %></p>
<form method="post" action="<%= it.root %>pages/admin/purge"><button name="action" value="purge"><%= it.t('admin.purge') %></button></form>
`;

const reason = `<p><label for="reason-<%= key %>"><%= it.t('user.reason') %></label>
<select id="reason-<%= key %>" name="reason">
<% for (const one of it.reasons) { %><option value="<%= one.value %>"><%= one.text %></option>
<% } %></select></p>
`;

export const user = `<p><a href="<%= it.root %>admin"><%= it.t('admin.back') %></a></p>
<h1><bdi><%= it.title %></bdi></h1>
<% if (it.done) { %><p class="done" role="status"><%= it.done %></p>
<% } %><% if (it.sessions.length === 0) { %><p><%= it.t('user.none') %></p>
<% } else { %><ul class="cards">
<% for (const one of it.sessions) { const key = one.id; %><li class="card">
<%~ include('@session', { one }) %>
<form class="actions" method="post" action="<%= it.root %>pages/admin/end">
<input type="hidden" name="user_id" value="<%= it.userId %>">
<input type="hidden" name="id" value="<%= one.id %>">
${reason}<button aria-label="<%= it.t('user.end') %>: <%= one.title %>"><%= it.t('user.end') %></button>
</form>
</li>
<% } %></ul>
<% if (it.newest) { %><p><%= it.newest %></p>
<% } %><% } %><h2><%= it.t('user.endAll') %></h2>
<form class="actions" method="post" action="<%= it.root %>pages/admin/end-all">
<% const key = 'all'; %><input type="hidden" name="user_id" value="<%= it.userId %>">
${reason}<button><%= it.t('user.endAll') %></button>
</form>
${search}`;
