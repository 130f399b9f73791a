//! Which program is a server's: one that is on PATH, Docker, or one that is installed for it.

use std::{env, path::PathBuf, process::Command};

use super::{Server, Services, install::Installer};
use crate::{
    command::{quietly, succeeds},
    failure::{Result, fail},
    tools,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    RedisServer,
    Mongod,
    Secantus,
    Docker,
}

impl Engine {
    /// As it is noted beside the data, which no other engine reads.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RedisServer => "redis-server",
            Self::Mongod => "mongod",
            Self::Secantus => "secantus",
            Self::Docker => "docker",
        }
    }
}

pub(super) struct Choice {
    pub engine: Engine,
    pub program: PathBuf,
    /// What is told of it.
    pub found: String,
}

pub(super) fn redis_image() -> Result<String> {
    Ok(format!("redis:{}", tools::version("REDIS_IMAGE")?))
}

pub(super) fn mongo_image() -> Result<String> {
    Ok(format!("mongo:{}", tools::version("MONGO_IMAGE")?))
}

fn docker(image: &str) -> Choice {
    let found = format!("Docker, image {image}");
    Choice { engine: Engine::Docker, program: "docker".into(), found }
}

impl Services {
    pub(super) fn choose(&self, server: Server) -> Result<Choice> {
        match server {
            Server::Redis => self.choose_redis(),
            Server::Mongo => self.choose_mongo(),
        }
    }

    fn choose_redis(&self) -> Result<Choice> {
        let installer = Installer::new(&self.project, self.tells);
        let (program, how) = if let Some(program) = installer.redis_that_fits() {
            (program, "found")
        } else if docker_answers(&installer) {
            return Ok(docker(&redis_image()?));
        } else {
            (installer.install_redis()?, "installed")
        };
        let version = Installer::redis_version(&program);
        let found = format!("{how} redis-server {version}");
        Ok(Choice { engine: Engine::RedisServer, program, found })
    }

    fn choose_mongo(&self) -> Result<Choice> {
        let installer = Installer::new(&self.project, self.tells);
        let given = env::var("MONGOD").ok().filter(|program| !program.is_empty());
        if let Some(program) = installer.path.find(given.as_deref().unwrap_or("mongod")) {
            let said = quietly(Command::new(&program).arg("--version"));
            let version = said.lines().find_map(|line| line.strip_prefix("db version v"));
            let found = format!("found mongod {}", version.unwrap_or_default());
            return Ok(Choice { engine: Engine::Mongod, program, found });
        }
        if let Some(given) = given {
            return fail(format!("mongo: MONGOD={given} cannot be run"));
        }
        if docker_answers(&installer) {
            return Ok(docker(&mongo_image()?));
        }
        let version = tools::version("SECANTUS")?;
        let (program, how) = match installer.secantus_that_fits()? {
            Some(program) => (program, "found"),
            None => (installer.install_secantus()?, "installed"),
        };
        let found = format!("{how} secantusd-rs {version}");
        Ok(Choice { engine: Engine::Secantus, program, found })
    }
}

fn docker_answers(installer: &Installer) -> bool {
    // Without an end to it, a client whose daemon hangs would hang, too.
    let mut info = Command::new("timeout");
    installer.path.has("docker") && succeeds(info.args(["20", "docker", "info"]))
}
