//! The private servers, really started and really stopped. Runs where `cargo xtask test` found the programs.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

struct Running {
    program: Child,
    ports: Vec<u16>,
}

fn servers_are_installed() -> bool {
    let told = std::env::var_os("TANHUI_TEST_POSTGRES_URL").is_some();
    if !told {
        println!("skipped: run by `cargo xtask test`, which knows that the servers are installed");
    }
    told
}

fn start() -> std::io::Result<Running> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("services")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let lines = program.stdout.take().into_iter().flat_map(|pipe| BufReader::new(pipe).lines());
    let ports = lines.map_while(Result::ok).filter_map(|line| port_of(&line)).take(2).collect();
    Ok(Running { program, ports })
}

fn port_of(line: &str) -> Option<u16> {
    let (_, port) = line.trim_end_matches("/postgres").rsplit_once(':')?;
    port.parse().ok()
}

fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn all_gone(ports: &[u16]) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if !ports.iter().any(|port| listens(*port)) {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

fn send(signal: &str, program: &Child) -> bool {
    let id = program.id().to_string();
    Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", signal, &id])
        .status()
        .is_ok_and(|it| it.success())
}

#[test]
fn two_at_once_have_servers_of_their_own_and_stop_when_asked() {
    if !servers_are_installed() {
        return;
    }
    let (mut one, mut two) = (start().unwrap(), start().unwrap());
    assert_eq!((one.ports.len(), two.ports.len()), (2, 2));
    assert!(one.ports.iter().chain(&two.ports).all(|port| listens(*port)));
    assert!(send("TERM", &one.program));
    assert_eq!(one.program.wait().unwrap().code(), Some(143));
    assert!(all_gone(&one.ports));
    assert!(two.ports.iter().all(|port| listens(*port)), "the other pair goes on");
    assert!(send("INT", &two.program));
    assert_eq!(two.program.wait().unwrap().code(), Some(130));
    assert!(all_gone(&two.ports));
}

#[test]
fn servers_stop_when_the_task_is_killed() {
    if !servers_are_installed() {
        return;
    }
    let mut running = start().unwrap();
    running.program.kill().unwrap();
    assert_eq!(running.program.wait().unwrap().code(), None);
    assert!(all_gone(&running.ports));
}
