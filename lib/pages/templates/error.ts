export const error = `<h1><%= it.title %></h1>
<p class="problem" role="alert"><%= it.problem %></p>
<p><a href="<%= it.back %>"><%= it.t('error.back') %></a></p>
`;

export const reload = `<h1><%= it.title %></h1>
<p><a href="<%= it.reload %>"><%= it.t('reload.go') %></a></p>
`;
