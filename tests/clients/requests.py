"""requests.py SUBMISSION USER SECONDS ELSEWHERE: what FUTURERELEASE, DELIVERBY and MT-PRIORITY are for a mail program."""

import sys

import mail

submission, user, seconds, elsewhere = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]


def content(subject):
    return f"From: <{user}>\r\nTo: <{user}>\r\nSubject: {subject}\r\n\r\nText.\r\n".encode()


smtp = mail.logged_in(submission, user)
for keyword in ["futurerelease", "deliverby", "mt-priority"]:
    if not smtp.has_extn(keyword):
        mail.fail(f"EHLO does not name {keyword}: {smtp.esmtp_features}")
longest, until = smtp.esmtp_features["futurerelease"].split()
if longest != "2592000" or not until.endswith("Z"):
    mail.fail(f"FUTURERELEASE {longest} {until}")

smtp.sendmail(user, [user], content("held"), mail_options=[f"HOLDFOR={seconds}"])
smtp.sendmail(user, [user], content("in time"), mail_options=["BY=600;R", "MT-PRIORITY=9"])
smtp.sendmail(user, [elsewhere], content("too far"), mail_options=["BY=600;R"])
code, text = smtp.docmd("MAIL", f"FROM:<{user}> HOLDFOR=2592001")
if (code, text[:5]) != (501, b"5.5.4"):
    mail.fail(f"a hold of more than 30 days: {code} {text}")
smtp.quit()
