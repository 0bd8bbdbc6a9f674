"""Logs in by every mechanism as a program would that was written for it, and sends; then is refused.

logins.py PORT-STARTTLS PORT-TLS USER TOKEN CERTIFICATE KEY
"""

import smtplib
import sys

from mail import PASSWORD, fail, tls

starttls, implicit, user, token, certificate, key = sys.argv[1:]


def connect(implicitly, shown):
    context = tls()
    if shown:
        context.load_cert_chain(certificate, key)
    if implicitly:
        return smtplib.SMTP_SSL("127.0.0.1", int(implicit), "client.test", timeout=60, context=context)
    smtp = smtplib.SMTP("127.0.0.1", int(starttls), "client.test", timeout=60)
    smtp.starttls(context=context)
    return smtp


def attempt(smtp, mechanism, response, name=user):
    smtp.ehlo()
    if mechanism not in smtp.esmtp_features["auth"].split():
        fail(f"{mechanism} is not offered: {smtp.esmtp_features['auth']}")
    smtp.user, smtp.password = name, PASSWORD
    return smtp.auth(mechanism, response)


def once(text, end):
    """The response, and to a refusal's reasons the mechanism's empty word."""
    return lambda challenge=None: end if challenge else text


def responses(smtp, secret):
    bearer = f"auth=Bearer {secret}\x01\x01"
    return {
        "EXTERNAL": lambda challenge=None: "",
        "OAUTHBEARER": once(f"n,a={user},\x01host=127.0.0.1\x01{bearer}", "\x01"),
        "XOAUTH2": once(f"user={user}\x01{bearer}", ""),
        "PLAIN": smtp.auth_plain,
        "LOGIN": smtp.auth_login,
    }


for implicitly in (False, True):
    for mechanism in ("EXTERNAL", "OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"):
        with connect(implicitly, mechanism == "EXTERNAL") as smtp:
            code, text = attempt(smtp, mechanism, responses(smtp, token)[mechanism])
            if code != 235:
                fail(f"{mechanism}: {code} {text}")
            refused = smtp.sendmail(user, [user], f"Subject: {mechanism}\r\nFrom: {user}\r\n\r\nx\r\n")
            if refused:
                fail(f"{mechanism}: {refused}")

for mechanism in ("OAUTHBEARER", "XOAUTH2"):
    with connect(True, False) as smtp:
        try:
            attempt(smtp, mechanism, responses(smtp, token[:-2])[mechanism])
            fail(f"{mechanism}: a forged token was taken")
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code != 535:
                fail(f"{mechanism}: {error}")

with connect(True, False) as smtp:
    smtp.ehlo()
    if "EXTERNAL" in smtp.esmtp_features["auth"].split():
        fail("EXTERNAL is offered to one who has shown no certificate")
