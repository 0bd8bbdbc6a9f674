"""mailbox.py SUBMISSION IMAPS USER: what a mail program does with a mailbox, by imaplib, in two sessions at once."""

import re
import sys

import mail

submission, imaps, user = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def ok(answer, what):
    status, data = answer
    if status != "OK":
        mail.fail(f"{what}: {status} {data}")
    return data


def content(subject):
    return f"From: <{user}>\r\nTo: <{user}>\r\nSubject: {subject}\r\n\r\nThe text of {subject}.\r\n".encode()


for subject in ["one", "two", "three"]:
    mail.submit(submission, user, [user], content(subject))

first = mail.inbox(imaps, user)
second = mail.inbox(imaps, user)
numbers = mail.wait_for(first, 3)
mail.wait_for(second, 3)

# Special-use folders are there from the start.
folders = b"\n".join(ok(first.list(), "LIST")).decode()
for name, use in [("Sent", "\\Sent"), ("Drafts", "\\Drafts"), ("Trash", "\\Trash"), ("Junk", "\\Junk")]:
    if name not in folders:
        mail.fail(f"no {name} in {folders}")

# Flags set in one session are seen in the other.
ok(first.store(b"1", "+FLAGS", "(\\Seen \\Flagged $Work)"), "STORE")
ok(second.noop(), "NOOP")
flags = ok(second.fetch(b"1", "(FLAGS)"), "FETCH FLAGS")[0].decode()
for flag in ["\\Seen", "\\Flagged", "$Work"]:
    if flag not in flags:
        mail.fail(f"{flag} not in {flags}")

# Search.
for criteria, wanted in [
    (("SUBJECT", "two"), 1),
    (("BODY", '"text of three"'), 1),
    (("UNSEEN",), 2),
    (("FLAGGED", "SEEN"), 1),
    (("NOT", "SUBJECT", "one"), 2),
    (("OR", "SUBJECT", "one", "SUBJECT", "two"), 2),
    (("HEADER", "From", user), 3),
    (("LARGER", "10"), 3),
]:
    found = ok(first.search(None, *criteria), f"SEARCH {criteria}")[0].split()
    if len(found) != wanted:
        mail.fail(f"SEARCH {criteria}: {found}, wanted {wanted}")

# Append, copy, move, expunge.
ok(first.create("Projects"), "CREATE")
sent = content("appended")
ok(first.append("Projects", "(\\Draft)", '"05-Jan-2026 12:00:00 +0000"', sent), "APPEND")
ok(first.copy(b"2", "Projects"), "COPY")
uid = re.search(rb"UID (\d+)", ok(first.fetch(b"3", "(UID)"), "FETCH UID")[0])[1].decode()
ok(first.uid("MOVE", uid, "Projects"), "MOVE")
ok(first.select("Projects"), "SELECT Projects")
if len(ok(first.search(None, "ALL"), "SEARCH")[0].split()) != 3:
    mail.fail("Projects does not hold the appended, the copied and the moved message")
if mail.fetch(first, b"1") != sent:
    mail.fail("what was appended comes back changed")
ok(first.store(b"1", "+FLAGS", "(\\Deleted)"), "STORE")
if ok(first.expunge(), "EXPUNGE") != [b"1"]:
    mail.fail("EXPUNGE")
ok(second.noop(), "NOOP")
if len(ok(second.search(None, "ALL"), "SEARCH")[0].split()) != 2:
    mail.fail("the other session still sees the moved message")

# Pieces of a message.
ok(first.select("INBOX"), "SELECT")
for item in ["BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]", "BODY.PEEK[1]", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]", "BODY.PEEK[]<3.10>", "RFC822.HEADER"]:
    data = ok(first.fetch(b"1", f"({item})"), f"FETCH {item}")
    if not isinstance(data[0], tuple):
        mail.fail(f"FETCH {item}: {data}")
part = ok(first.fetch(b"1", "(BODY.PEEK[]<3.10>)"), "FETCH")[0][1]
if part != mail.fetch(first, b"1")[3:13]:
    mail.fail(f"a piece of a message: {part}")

# IDLE in one session is told of a message within moments; imaplib of this Python may not know IDLE.
second.send(b"idle1 IDLE\r\n")
if not second.readline().startswith(b"+"):
    mail.fail("IDLE")
mail.submit(submission, user, [user], content("four"))
while True:
    line = second.readline()
    if not line:
        mail.fail("the connection closed in IDLE")
    if line.endswith(b"EXISTS\r\n") and line.split()[1] == b"3":
        break
second.send(b"DONE\r\n")
while not (line := second.readline()).startswith(b"idle1 "):
    pass
if b"OK" not in line:
    mail.fail(f"IDLE: {line}")
first.logout()
second.logout()
print("mailbox works")
