"""round_trip.py SUBMISSION IMAPS POP3S USER: sends what is awkward with smtplib, and reads it back, byte for byte, with
imaplib and with poplib."""

import sys

import mail

submission, imaps, pop3s, user = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

HEAD = f"From: <{user}>\r\nTo: <{user}>\r\nDate: Mon, 5 Jan 2026 12:00:00 +0000\r\nMessage-ID: <%s@client.test>\r\nSubject: %s\r\n"


def message(name, more_header, body):
    return (HEAD % (name, name)).encode() + more_header + b"\r\n" + body


MULTIPART = (
    b"This part is for nobody.\r\n"
    b"--outer\r\nContent-Type: multipart/alternative; boundary=\"in ner\"\r\n\r\n"
    b"--in ner\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n"
    b"--in ner\r\nContent-Type: text/html\r\n\r\n<p>Gr&uuml;&szlig;e</p>\r\n"
    b"--in ner--\r\n"
    b"--outer\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=a.bin\r\n\r\nAAECAwQFBgcICQ==\r\n"
    b"--outer\r\nContent-Type: message/rfc822\r\n\r\nFrom: <x@inner.test>\r\nSubject: inner\r\n\r\ninner text\r\n"
    b"--outer--\r\nand this epilogue too\r\n"
)

MESSAGES = {
    "plain": message("plain", b"", b"Hello\r\n"),
    "empty": message("empty", b"", b""),
    "dots": message("dots", b"", b".\r\n..\r\n...\r\n.leading\r\nin .the. middle\r\n\r\n.\r\n.x\r\n"),
    "blank-lines": message("blank-lines", b"", b"\r\n\r\n\r\nafter three\r\n\r\n"),
    "long-line": message("long-line", b"", b"x" * 998 + b"\r\n" + b"y" * 20_000 + b"\r\n"),
    "eight-bit": message(
        "eight-bit",
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n",
        "Grüße, 東京, Привет\r\n".encode(),
    ),
    "encoded-header": message("encoded-header", b"X-Name: =?utf-8?q?J=C3=BCrgen?=\r\n", b"text\r\n"),
    "folded-header": message("folded-header", b"X-Folded: one\r\n two\r\n\tthree\r\nX-Empty:\r\n", b"text\r\n"),
    "multipart": message(
        "multipart", b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n", MULTIPART
    ),
    "trailing-space": message("trailing-space", b"", b"line \r\n \r\n\t\r\nend\r\n"),
}

for name, content in MESSAGES.items():
    options = ["BODY=8BITMIME"] if any(byte > 127 for byte in content) else []
    mail.submit(submission, user, [user], content, options)

imap = mail.inbox(imaps, user)
numbers = mail.wait_for(imap, len(MESSAGES))
if len(numbers) != len(MESSAGES):
    mail.fail(f"{len(numbers)} messages instead of {len(MESSAGES)}")

by_name = {}
for number in numbers:
    read = mail.fetch(imap, number)
    name = next(line for line in read.split(b"\r\n") if line.startswith(b"Message-ID: <"))[13:].split(b"@")[0].decode()
    mail.assert_same_below_trace(f"IMAP {name}", read, MESSAGES[name])
    by_name[name] = read

status, data = imap.fetch(numbers[0], "(RFC822.SIZE FLAGS INTERNALDATE ENVELOPE BODYSTRUCTURE)")
if status != "OK" or b"ENVELOPE" not in data[0]:
    mail.fail(f"FETCH of the envelope: {status} {data}")
imap.logout()

pop3 = mail.pop(pop3s, user)
count, octets = pop3.stat()
if count != len(MESSAGES):
    mail.fail(f"POP3 counts {count} messages")
if octets != sum(len(read) for read in by_name.values()):
    mail.fail(f"POP3 counts {octets} octets")
uids = {line.split()[1] for line in pop3.uidl()[1]}
if len(uids) != count:
    mail.fail("UIDLs are not unique")
for number in range(1, count + 1):
    _, lines, _ = pop3.retr(number)
    read = b"".join(line + b"\r\n" for line in lines)
    name = next(line for line in lines if line.startswith(b"Message-ID: <"))[13:].split(b"@")[0].decode()
    if read != by_name[name]:
        mail.fail(f"POP3 and IMAP differ on {name}")
    size = int(pop3.list(number).split()[2])
    if size != len(read):
        mail.fail(f"POP3 says {size} octets of {name} and sends {len(read)}")
top = pop3.top(1, 0)[1]
if b"" not in top or top[-1] != b"":
    mail.fail(f"TOP 1 0 does not end with the header: {top[-2:]}")
pop3.dele(1)
pop3.quit()

pop3 = mail.pop(pop3s, user)
if pop3.stat()[0] != count - 1:
    mail.fail("DELE did not delete")
pop3.quit()
print(f"{len(MESSAGES)} messages, the same by IMAP and by POP3")
