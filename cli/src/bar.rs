//! A bar of two lines on standard error, which is a terminal.
//!
//! It is drawn from where it was drawn last. A terminal writes `^C` behind it when Ctrl-C is typed,
//! which moves the cursor to the next line: drawn again, the bar would leave its first line there. So
//! it is drawn by whoever has news, not by a thread of its own, and not after Ctrl-C.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pedidos_core::text::one_line;

use crate::interrupt;

#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let template = "{spinner} {wide_msg}\n  {wide_bar:.cyan/dim} {prefix}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self(bar)
    }

    /// `behind`: what stands behind the bar.
    pub fn draw(&self, done: u64, of: u64, behind: String, message: String) {
        if !interrupt::has_come() {
            self.0.set_length(of);
            self.0.set_prefix(behind);
            self.0.set_message(message);
            // The spinner moves with it.
            self.0.set_position(done);
        }
    }

    /// Changes the message alone, to this one line.
    pub fn say(&self, message: &str) {
        if !interrupt::has_come() {
            self.0.set_message(one_line(message));
        }
    }

    /// Removes the bar, for what follows. After Ctrl-C it stays as it stands.
    pub fn end(&self) {
        if interrupt::has_come() {
            self.0.set_draw_target(ProgressDrawTarget::hidden());
        }
        self.0.finish_and_clear();
    }
}
