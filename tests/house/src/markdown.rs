//! Documents in Markdown: links, paths between back-ticks, lines without tables.
