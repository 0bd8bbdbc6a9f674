"""A remote mail server that takes every message, and answers each only after a while.

    sink.py PORT SECONDS FILE

A line of FILE for each message that it has taken: the subject.
"""

import socket
import sys
import threading
import time

PORT, SECONDS, FILE = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
WRITING = threading.Lock()


class Session:
    def __init__(self, connection):
        self.connection = connection
        self.lines = connection.makefile("rb")

    def say(self, text):
        self.connection.sendall(text.encode() + b"\r\n")

    def serve(self):
        self.say("220 sink.test")
        while line := self.lines.readline():
            verb = line[:4].strip().upper()
            if verb == b"EHLO":
                self.say("250-sink.test\r\n250 8BITMIME")
            elif verb == b"DATA":
                self.say("354 go on")
                self.take()
            elif verb == b"QUIT":
                self.say("221 2.0.0 bye")
                break
            else:
                self.say("250 2.0.0 ok")
        self.connection.close()

    def take(self):
        subject = "none"
        while (line := self.lines.readline()) and line != b".\r\n":
            if line.lower().startswith(b"subject:"):
                subject = line.split(b":", 1)[1].strip().decode()
        if not line:
            return
        # Taken when the answer is on its way: a client that does not wait for it brings it again.
        time.sleep(SECONDS)
        with WRITING, open(FILE, "a") as taken:
            taken.write(subject + "\n")
        self.say("250 2.0.0 taken")


open(FILE, "a").close()
server = socket.create_server(("", PORT), backlog=100)
while True:
    session = Session(server.accept()[0])
    threading.Thread(target=session.serve, daemon=True).start()
