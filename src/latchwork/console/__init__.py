"""The console: Latchwork's pages for people, under /console."""
