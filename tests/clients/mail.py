"""What the client scripts share: connections that take the test's self-signed certificate, and exact comparison."""

import imaplib
import poplib
import smtplib
import ssl
import sys
import time

# The library's own limit is below what mail may hold.
poplib._MAXLINE = 1 << 20

TRACE = {"return-path", "delivered-to", "received", "x-original-to", "authentication-results"}
PASSWORD = "secret"


def tls():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fail(text):
    sys.exit(text)


def logged_in(port, user):
    """Over STARTTLS and after a login, as a mail program does."""
    smtp = smtplib.SMTP("127.0.0.1", port, local_hostname="client.test", timeout=60)
    smtp.starttls(context=tls())
    smtp.login(user, PASSWORD)
    return smtp


def submit(port, user, recipients, message, options=()):
    with logged_in(port, user) as smtp:
        refused = smtp.sendmail(user, recipients, message, mail_options=list(options))
        if refused:
            fail(f"refused: {refused}")


def inbox(port, user):
    imap = imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=tls())
    imap.login(user, PASSWORD)
    status, _ = imap.select("INBOX")
    if status != "OK":
        fail(f"SELECT INBOX: {status}")
    return imap


def wait_for(imap, count):
    """Until the selected mailbox holds so many messages."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        imap.noop()
        _, data = imap.search(None, "ALL")
        numbers = data[0].split()
        if len(numbers) >= count:
            return numbers
        time.sleep(0.02)
    fail(f"{count} messages did not arrive within 60 s")


def fetch(imap, number):
    status, data = imap.fetch(number, "(BODY.PEEK[])")
    if status != "OK":
        fail(f"FETCH: {status} {data}")
    return data[0][1]


def pop(port, user):
    pop3 = poplib.POP3_SSL("127.0.0.1", port, context=tls(), timeout=60)
    pop3.user(user)
    pop3.pass_(PASSWORD)
    return pop3


def assert_same_below_trace(name, read, sent):
    if not read.endswith(sent):
        fail(f"{name}: not the same message\nsent: {sent[:3000]!r}\nread: {read[:3000]!r}")
    for line in read[: len(read) - len(sent)].split(b"\r\n")[:-1]:
        field = line.split(b":")[0].decode().lower()
        if not line.startswith((b" ", b"\t")) and field not in TRACE:
            fail(f"{name}: not a trace field: {line!r}")
