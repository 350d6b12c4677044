"""How many threads the web process has, and how many of them Django may use."""

WEB_THREADS = 8
# The others are left for readers of public pages, whatever Django hangs on.
DJANGO_THREADS = WEB_THREADS // 2
