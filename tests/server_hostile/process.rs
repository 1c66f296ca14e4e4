//! What the operating system says about a process, and what it is told about this one.

use std::process::Command;

fn file(process: u32, name: &str) -> String {
    std::fs::read_to_string(format!("/proc/{process}/{name}")).expect("the process runs")
}

/// A line of its status, in bytes.
fn status(process: u32, line: &str) -> u64 {
    let status = file(process, "status");
    let value = status.lines().find_map(|found| found.strip_prefix(line)).expect("such a line");
    value.trim().strip_suffix(" kB").expect("a size").trim().parse::<u64>().unwrap() << 10
}

/// The memory that is not of a file.
pub(crate) fn memory(process: u32) -> u64 {
    status(process, "RssAnon:")
}

/// All memory, and from then on what [`peak`] is at least.
pub(crate) fn memory_from_now(process: u32) -> u64 {
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").expect("a process of ours");
    status(process, "VmRSS:")
}

/// The most memory that there ever was.
pub(crate) fn peak(process: u32) -> u64 {
    status(process, "VmHWM:")
}

pub(crate) fn descriptors(process: u32) -> u64 {
    std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count() as u64
}

/// From now on the threads of this process have a processor whenever they need one, as if it had a machine of its own.
pub(crate) fn go_first() {
    let id = std::process::id().to_string();
    let chrt = ["chrt", "--all-tasks", "--rr", "--pid", "1", &id];
    let done = |words: &[&str]| {
        let output = Command::new(words[0]).args(&words[1..]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let with_sudo = [&["sudo", "-n"], &chrt[..]].concat();
    assert!(
        done(&chrt) || done(&with_sudo),
        "this needs chrt, of util-linux, and root or sudo: other processes must not make messages slow"
    );
}

/// The processor time so far, in hundredths of a second.
pub(crate) fn processor_time(process: u32) -> u64 {
    let stat = file(process, "stat");
    let (_, fields) = stat.rsplit_once(") ").expect("the name of the program is in brackets");
    let fields: Vec<_> = fields.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
