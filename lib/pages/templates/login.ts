export const login = `<h1><%= it.t('login.title') %></h1>
<% if (it.problem) { %><p class="problem" role="alert" id="problem"><%= it.problem %></p>
<% } else if (it.isEnded) { %><p class="notice" role="status"><%= it.t('login.ended') %></p>
<% } %><form class="card" method="post" action="<%= it.root %>pages/login">
<% if (it.next) { %><input type="hidden" name="next" value="<%= it.next %>">
<% } %><p><label for="username"><%= it.t('login.username') %></label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="1024" required
 value="<%= it.username %>"<% if (it.problem) { %> aria-describedby="problem"<% } %>></p>
<p><label for="password"><%= it.t('login.password') %></label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required></p>
<p class="choice"><input id="remember" name="remember" type="checkbox" value="1" checked>
<label for="remember"><%= it.t('login.remember') %></label></p>
<p><button class="main"><%= it.t('login.submit') %></button></p>
</form>
`;
