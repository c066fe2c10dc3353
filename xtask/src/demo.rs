//! `cargo xtask demo`: builds the program and becomes its demonstration.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use crate::args::DemoOptions;
use crate::failure::Failure;
use crate::process::{cargo, signal};
use crate::workspace;

const NAME: &str = "tanhui demo";
const POLL: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(15);

/// Builds and runs the demonstration; without a time limit this process becomes it, so signals reach it.
pub fn run(options: &DemoOptions) -> Result<(), Failure> {
    let listen = format!("127.0.0.1:{}", options.port);
    check_free(options.port)?;
    build()?;
    let mut command = Command::new(workspace::binary()?);
    command.arg("demo").arg("--data").arg(&options.data).args(["--listen", &listen]);
    match options.seconds {
        None => Err(Failure::Io { doing: "starting tanhui demo".to_owned(), source: command.exec() }),
        Some(seconds) => run_for(&mut command, Duration::from_secs(seconds)),
    }
}

fn check_free(port: u16) -> Result<(), Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop).map_err(|refusal| {
        let help = "choose another with --port N";
        Failure::Missing(format!("127.0.0.1:{port} cannot be used ({refusal}); {help}"))
    })
}

fn build() -> Result<(), Failure> {
    eprintln!(
        "xtask: building the development profile (a release build runs faster and takes longer to make)"
    );
    let mut command = cargo(["build", "--package", "tanhui-mobile-api", "--bin", "tanhui"]);
    let status = command.status().map_err(Failure::io("building tanhui"))?;
    if status.success() { Ok(()) } else { Err(Failure::step("building tanhui", status)) }
}

fn run_for(command: &mut Command, time: Duration) -> Result<(), Failure> {
    let mut child = command.spawn().map_err(Failure::io("starting tanhui demo"))?;
    match wait(&mut child, time)? {
        Some(status) if status.success() => {
            return Err(Failure::Missing("tanhui demo ended before its time".to_owned()));
        }
        Some(status) => return Err(Failure::step(NAME, status)),
        None => signal("TERM", &child.id().to_string()),
    };
    match wait(&mut child, PATIENCE)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(Failure::step(NAME, status)),
        None => {
            child.kill().map_err(Failure::io("ending tanhui demo"))?;
            Err(Failure::Missing("tanhui demo did not end when asked".to_owned()))
        }
    }
}

fn wait(child: &mut Child, time: Duration) -> Result<Option<ExitStatus>, Failure> {
    let begun = Instant::now();
    loop {
        let status = child.try_wait().map_err(Failure::io("watching tanhui demo"))?;
        if status.is_some() || begun.elapsed() >= time {
            return Ok(status);
        }
        thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(300);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_demonstration_that_ends_when_asked_is_well() {
        let script = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
        run_for(&mut shell(script), MOMENT).unwrap();
    }

    #[test]
    fn a_demonstration_that_ends_early_is_not() {
        assert!(matches!(run_for(&mut shell("exit 0"), MOMENT), Err(Failure::Missing(_))));
        assert!(matches!(run_for(&mut shell("exit 7"), MOMENT), Err(Failure::Step { code: 7, .. })));
    }

    #[test]
    fn a_taken_port_is_refused_with_a_way_out() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let refusal = check_free(listener.local_addr().unwrap().port()).unwrap_err();
        assert!(refusal.to_string().contains("--port"), "{refusal}");
    }
}
