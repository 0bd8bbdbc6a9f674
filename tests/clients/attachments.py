"""Attachments that the policy blocks: refused to strangers, taken out for the office.

attachments.py TRUSTED_PORT STRANGERS_PORT IMAPS_PORT USER
"""

import email
import io
import smtplib
import sys
import zipfile
from email import policy
from email.message import EmailMessage

import mail

trusted, strangers, imaps, user = sys.argv[1:]
PROGRAM = b"MZ\x90\x00" + bytes(range(256)) * 40
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10


def archive(name):
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", zipfile.ZIP_DEFLATED) as zip:
        zip.writestr("readme.txt", "Grüße " * 100)
        zip.writestr(name, PROGRAM)
    return octets.getvalue()


def letter(subject):
    message = EmailMessage()
    message["From"] = "eve@client.test"
    message["To"] = user
    message["Subject"] = subject
    message.set_content("Grüße, see below.\n")
    message.add_alternative("<p>Gr&uuml;&szlig;e, see below.</p>\n", subtype="html")
    return message


def attach(message, octets, kind, name):
    main, sub = kind.split("/")
    message.add_attachment(octets, maintype=main, subtype=sub, filename=name)
    return message


def cases():
    yield attach(letter("by name"), b"x", "application/octet-stream", "Überraschung.EXE")
    yield attach(letter("by type"), b"x", "application/x-msdownload", "tool")
    yield attach(letter("by content"), PROGRAM, "text/x-log", "readme.txt")
    yield attach(letter("in zip"), archive("bin/Setup.exe"), "application/zip", "files.zip")
    inner = attach(letter("inner"), PROGRAM, "application/octet-stream", "setup.exe")
    forwarded = letter("forwarded")
    forwarded.add_attachment(inner)
    yield forwarded
    alone = EmailMessage()
    alone["From"], alone["To"], alone["Subject"] = "eve@client.test", user, "alone"
    alone.set_content(PROGRAM, maintype="application", subtype="octet-stream", filename="a.exe")
    yield alone


def send(port, message):
    with smtplib.SMTP("127.0.0.1", int(port), timeout=60) as client:
        client.send_message(message, "eve@client.test", [user])


def refused(port, message):
    try:
        send(port, message)
    except smtplib.SMTPDataError as error:
        assert error.smtp_code == 550, error
        assert b"5.7.1" in error.smtp_error, error
        return
    raise AssertionError(f"{message['Subject']} was not refused")


def received(count):
    inbox = mail.inbox(int(imaps), user)
    found = {}
    for number in mail.wait_for(inbox, count):
        data = inbox.fetch(number, "(BODYSTRUCTURE BODY.PEEK[])")[1]
        around, octets = data[0]
        message = email.message_from_bytes(octets, policy=policy.default)
        found[message["Subject"]] = (message, around + data[1], octets)
    assert len(found) == count, found.keys()
    return found


def content(part):
    """Texts with one kind of line end: encoded ones were written with another."""
    found = part.get_content()
    return found.replace("\r\n", "\n") if isinstance(found, str) else found


def check(message, structure, octets, sent):
    """Everything is as it was sent, but for the one part that became a note."""
    assert b"Taken out by the mail system" in octets, octets
    assert not any(part.defects for part in message.walk()), octets
    leaves = [part for part in message.walk() if not part.is_multipart()]
    wanted = [part for part in sent.walk() if not part.is_multipart()]
    assert len(leaves) == len(wanted), octets
    for part, was in zip(leaves, wanted):
        if part.get_content_type() == "text/plain" and "Taken out" in part.get_content():
            assert part.get_filename() is None
            assert "(rule \"" in part.get_content(), part.get_content()
            continue
        assert content(part) == content(was), part
    lower = structure.lower()
    for word in [b"exe", b"x-msdownload", b"x-log", b"zip"]:
        assert word not in lower, structure


for message in cases():
    refused(strangers, message)

harmless = attach(letter("harmless"), PICTURE, "image/png", "exe.png")
attach(harmless, archive("notes.txt"), "application/zip", "notes.zip")
send(strangers, harmless)
for message in cases():
    message.add_header("X-Kept", "yes")
    if message.is_multipart():
        attach(message, PICTURE, "image/png", "last.png")
    send(trusted, message)

found = received(7)
message, structure, octets = found.pop("harmless")
assert b"Taken out" not in octets
assert [part.get_content() for part in message.iter_attachments()][0] == PICTURE
for sent in cases():
    if sent.is_multipart():
        attach(sent, PICTURE, "image/png", "last.png")
    message, structure, octets = found.pop(sent["Subject"])
    assert message["X-Kept"] == "yes"
    check(message, structure, octets, sent)
assert not found, found
