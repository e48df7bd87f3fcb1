//! A mailbox of our own for the demo: takes mails over SMTP (RFC 5321) in clear, on a loopback port, and tells each as one text. It
//! knows as much of the protocol as one polite client needs, and keeps nothing.

use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;

/// Lines of one mail, at most.
const LINES_MAX: usize = 1000;

/// Starts it; where it listens.
///
/// # Errors
/// No port is free.
pub async fn start(seen: UnboundedSender<String>) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = seen.clone();
            // A client that breaks off sends its mail again.
            tokio::spawn(async move { take(stream, &seen).await });
        }
    });
    Ok(address)
}

async fn take(stream: TcpStream, seen: &UnboundedSender<String>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 demo\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "RCPT" => {
                to = line.chars().skip_while(|c| *c != '<').skip(1).take_while(|c| *c != '>').collect();
                "250 fine"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut mail = Vec::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.push(line);
                    if mail.len() > LINES_MAX {
                        return Ok(());
                    }
                }
                // Nobody listens any more when the demo has ended.
                let _ = seen.send(told(&to, &mail).join("\n"));
                "250 kept"
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 fine",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// What is shown of a mail: its subject, and its part that is plain text.
fn told(to: &str, mail: &[String]) -> Vec<String> {
    let mut lines = mail.iter();
    let (mut subject, mut is_subject) = (String::new(), false);
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        is_subject = line.starts_with("Subject: ") || (is_subject && line.starts_with(' '));
        if is_subject {
            subject.push_str(line.strip_prefix("Subject: ").unwrap_or(line));
        }
    }
    let mut found = vec![format!("✉ to {to}: {}", subject.trim())];
    let text =
        lines.skip_while(|line| !line.starts_with("Content-Type: text/plain")).skip_while(|line| !line.is_empty());
    let mut open = String::new();
    for line in text.skip(1).take_while(|line| !line.starts_with("--")) {
        // A line that was cut goes on in the next (RFC 2045, 6.7); no other escape is needed for what we mail.
        match line.strip_suffix('=') {
            Some(begin) => open.push_str(begin),
            None => {
                let whole = std::mem::take(&mut open) + line;
                found.extend((!whole.is_empty()).then(|| format!("    {whole}")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subject_and_text_are_shown() {
        let mail = "From: a@b.example\nSubject: ERROR: one\n two\nTo: c@d.example\nContent-Type: multipart/alternative;\n \
                    boundary=\"x\"\n\n--x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit\n\nfirst\n\n\
                    sec=\nond\n--x\nContent-Type: text/html\n\n<p>third</p>\n--x--";
        let lines: Vec<String> = mail.lines().map(str::to_owned).collect();
        assert_eq!(told("c@d.example", &lines), ["✉ to c@d.example: ERROR: one two", "    first", "    second"]);
    }
}
