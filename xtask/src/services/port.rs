//! Free loopback ports, and waiting until a server listens on one.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// A port that is free now. Another program may take it first, so callers try again.
pub fn free() -> Result<u16, Failure> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::io("looking for a free port"))?;
    Ok(listener.local_addr().map_err(Failure::io("reading the free port"))?.port())
}

/// Waits until something accepts connections on the port.
pub fn wait_until_open(port: u16) -> Result<(), Failure> {
    wait(port, || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
}

/// Waits until a server on the port answers the question with the given words.
pub fn wait_until_answered(port: u16, question: &[u8], answer: &[u8]) -> Result<(), Failure> {
    wait(port, || ask(port, question, answer.len()).is_ok_and(|got| got == answer))
}

fn wait(port: u16, mut ready: impl FnMut() -> bool) -> Result<(), Failure> {
    let begun = Instant::now();
    while !ready() {
        if begun.elapsed() > PATIENCE {
            return Err(Failure::Missing(format!("no server came up on 127.0.0.1:{port}")));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

fn ask(port: u16, question: &[u8], length: usize) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(question)?;
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_server_is_noticed_and_asked() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = thread::spawn(move || {
            let mut asked = [0; 4];
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut asked).unwrap();
            stream.write_all(b"yes").unwrap();
            asked
        });
        wait_until_answered(port, b"ask?", b"yes").unwrap();
        assert_eq!(&serving.join().unwrap(), b"ask?");
    }
}
