"""How requests and files are read: strictly what they claim to be, judged by nobody yet."""
