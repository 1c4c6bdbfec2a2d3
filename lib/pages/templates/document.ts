export const head = `<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title><%= it.title %></title>
<% if (it.reload) { %><meta http-equiv="refresh" content="<%= it.delay %>; url=<%= it.reload %>">
<% } %><link rel="icon" href="data:,">
<link rel="stylesheet" href="<%= it.root %>pages/<%= it.styleSheet %>">
`;

export const document = `<!doctype html>
<html lang="<%= it.language %>">
<head>
<%~ it.head %></head>
<body>
<main>
<%~ it.body %></main>
</body>
</html>
`;
