//! What a verification says.

#[derive(Debug, Clone)]
pub struct Check {
    pub name: &'static str,
    pub figure: String,
    pub ok: bool,
}

#[derive(Debug, Clone)]
pub struct Report {
    pub run_id: String,
    pub quantity: u64,
    pub checks: Vec<Check>,
}

impl Report {
    #[must_use]
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}
