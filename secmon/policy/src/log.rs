//! What is told of what happens, to a person or as JSON.

use clap::Args;

/// How what happens is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// A line for a person
    #[default]
    Text,
    /// A JSON object each
    Json,
}

/// How much is told of what happens, and how.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct LogArgs {
    /// Say more; twice for details, three times for every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How what is said with -v is written to stderr
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

impl LogArgs {
    /// Has what happens told on stderr. Spans say how long the start, and each request, took.
    pub fn begin(self) {
        use tracing_subscriber::{filter::LevelFilter, fmt::format::FmtSpan};
        let level = match self.verbose {
            0 => LevelFilter::ERROR,
            1 => LevelFilter::INFO,
            2 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        let format = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
        let format = format.with_span_events(FmtSpan::CLOSE).with_ansi(false);
        let _ = match self.log_format {
            LogFormat::Text => format.compact().without_time().with_target(false).try_init(),
            LogFormat::Json => format.json().try_init(),
        };
    }
}
