const proof = `<p><label for="<%= id %>"><%= it.t('devices.password') %></label>
<input id="<%= id %>" name="password" type="password" autocomplete="current-password" maxlength="1024" required></p>
`;

/** The password in a form, where what the form does wants a proof. */
export const passwordField = (condition: string, id: string): string =>
  `<% if (${condition}) { const id = ${id}; %>${proof}<% } %>`;

/** Tokens for programs: those that there are, and a form that makes one. */
export const programs = `<h2 id="programs"><%= it.t('programs.title') %></h2>
<p><%= it.t('programs.intro') %></p>
<% if (it.token) { %><section class="card done" role="status"><p><%= it.t('programs.once') %></p>
<p><code class="token"><%= it.token %></code></p></section>
<% } %><% if (it.programs.length === 0) { %><p><%= it.t('programs.none') %></p>
<% } else { %><ul class="cards">
<% for (const one of it.programs) { %><li class="card">
<h3><bdi><%= one.title %></bdi></h3>
<ul class="marks"><% for (const scope of one.scopes) { %><li><code><%= scope %></code></li><% } %></ul>
<dl>
<% for (const moment of one.moments) { %><div><dt><%= moment.label %></dt><dd><time datetime="<%= moment.iso %>"><%= moment.relative %> <span class="absolute"><%= moment.absolute %></span></time></dd></div>
<% } %></dl>
<form class="actions" method="post" action="<%= it.root %>pages/devices<%= it.needsProof ? '/confirmed' : '' %>">
<input type="hidden" name="id" value="<%= one.id %>">
${passwordField('it.needsProof', "'password-' + one.id")}<button name="action" value="end-token" aria-label="<%= it.t('programs.end') %>: <%= one.title %>"><%= it.t('programs.end') %></button>
</form></li>
<% } %></ul>
<% if (it.newestPrograms) { %><p><%= it.newestPrograms %></p>
<% } %><% } %><details><summary><%= it.t('programs.make') %></summary>
<form class="card" method="post" action="<%= it.root %>pages/tokens">
<p><label for="program-name"><%= it.t('programs.name') %></label>
<input id="program-name" name="name" maxlength="128" autocomplete="off" required></p>
<% if (it.scopes.length > 0) { %><fieldset><legend><%= it.t('programs.scopes') %></legend>
<% it.scopes.forEach((scope, index) => { %><p class="choice"><input id="scope-<%= index %>" name="scope:<%= scope %>" type="checkbox" value="1">
<label for="scope-<%= index %>"><code><%= scope %></code></label></p>
<% }) %></fieldset>
<% } else { %><p><label for="program-scopes"><%= it.t('programs.scopes') %></label>
<input id="program-scopes" name="scopes" maxlength="1024" autocomplete="off" autocapitalize="none" spellcheck="false" required></p>
<% } %><% if (it.lifetimes.length > 0) { %><p><label for="program-lifetime"><%= it.t('programs.lifetime') %></label>
<select id="program-lifetime" name="expires_in"><% for (const one of it.lifetimes) { %><option value="<%= one.seconds %>"><%= one.text %></option><% } %></select></p>
<% } %>${passwordField('it.wantsPassword', "'program-password'")}<p><button class="main"><%= it.t('programs.make') %></button></p>
</form></details>
`;
