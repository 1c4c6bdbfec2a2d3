/** One session, of the user or of another. */
export const session = `<h3><bdi><%= it.one.title %></bdi></h3>
<% if (it.one.description) { %><p class="description"><bdi><%= it.one.description %></bdi></p>
<% } %><% if (it.one.marks.length > 0) { %><ul class="marks">
<% for (const mark of it.one.marks) { %><li><%= mark %></li>
<% } %></ul>
<% } %><dl>
<% for (const fact of it.one.facts) { %><div><dt><%= fact.label %></dt><dd><%= fact.text %></dd></div>
<% } %><% for (const moment of it.one.moments) { %><div><dt><%= moment.label %></dt><dd><time datetime="<%= moment.iso %>"><%= moment.relative %> <span class="absolute"><%= moment.absolute %></span></time></dd></div>
<% } %></dl>
`;
