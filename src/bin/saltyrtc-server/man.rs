//! The manual page: one for all commands.

use std::io::{self, Write};

use crate::args;

/// Writes the page as roff.
pub(crate) fn page(out: &mut dyn Write) -> io::Result<()> {
    let command = args::command_for_manual();
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(out)?;
    man.render_name_section(out)?;
    writeln!(
        out,
        ".SH SYNOPSIS\n\\fB{}\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]",
        escape(args::NAME)
    )?;
    man.render_description_section(out)?;
    writeln!(out, ".SH COMMANDS")?;
    for subcommand in command.get_subcommands().filter(|one| one.get_name() != "help") {
        write!(out, ".TP\n\\fB{}\\fR", escape(subcommand.get_name()))?;
        for argument in subcommand.get_positionals() {
            write!(out, " \\fI{}\\fR", escape(&argument.get_id().as_str().to_uppercase()))?;
        }
        let about = subcommand.get_long_about().or(subcommand.get_about());
        let about = about.map(ToString::to_string).unwrap_or_default();
        writeln!(out, "\n{}", escape(&about).replace("\n\n", "\n.IP\n"))?;
    }
    man.render_options_section(out)?;
    man.render_extra_section(out)?;
    man.render_version_section(out)
}

/// Escapes what has a meaning in roff.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    let lines = text.lines().map(|line| match line.chars().next() {
        Some('.' | '\'') => format!("\\&{line}"),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn text_is_not_taken_for_roff() {
        assert_eq!(escape("a-b\\c\n.SH\n'x"), "a\\-b\\ec\n\\&.SH\n\\&'x");
    }
}
