//! `server token`: shows the first token, makes, lists and revokes others. If the servidor runs, it
//! does that itself, so that what is made is valid, and what is revoked refused, at once.

use std::error::Error;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use domain::TokenPapel;
use serde::{Deserialize, Serialize};
use service::{OwnAnswer, OwnInstance};

use super::running_servidor::{self, NotFound};
use crate::admin_tokens::{
    AdminTokens, NAME_RULE, TokensError, is_name, is_new_name, papel, reserved_rule,
};
use crate::config::{AdminAccess, Config};
use crate::open_store::open_store;
use crate::store::{Author, StoreError, is_in_use};
use crate::token_file::{self, TokenFileError};
use crate::wire;

/// How long the running servidor may take.
const LIMIT: Duration = Duration::from_secs(20);

#[derive(Args)]
pub(crate) struct TokenArgs {
    /// Makes a token with this name, and shows it; it is not shown again
    #[arg(long, value_name = "NOME", requires = "papel")]
    nome: Option<String>,
    /// What the new token allows: reading (leitura) or everything (operador)
    #[arg(long, requires = "nome", value_parser = papeis())]
    papel: Option<TokenPapel>,
    /// Lists the tokens, without their texts
    #[arg(long, conflicts_with_all = ["nome", "revogar", "renovar"])]
    listar: bool,
    /// Revokes the token with this name
    #[arg(long, value_name = "NOME", conflicts_with_all = ["nome", "renovar"])]
    revogar: Option<String>,
    /// Makes another first token in place of the one in the file, while the servidor is stopped
    #[arg(long, conflicts_with = "nome")]
    renovar: bool,
}

fn papeis() -> impl TypedValueParser<Value = TokenPapel> {
    let words = TokenPapel::ALL.iter().map(|papel| papel.as_str());
    PossibleValuesParser::new(words).try_map(|word| TokenPapel::parse(&word))
}

/// Why the command line does not get what it asks for.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error("o servidor {0} está aberto (ADMIN_ABERTO=sim) e não pede token")]
    Open(String),
    #[error(
        "não há token em {0}: o servidor o faz ao iniciar; se o arquivo se perdeu, pare o servidor e use --renovar"
    )]
    NoFile(String),
    #[error("{0}: execute o comando como o usuário do servidor, ou como root")]
    OtherUser(TokenFileError),
    #[error(transparent)]
    File(TokenFileError),
    #[error("ADMIN_TOKEN_FILE traz o token: troque-o em {0}, que o servidor lê de novo")]
    OwnFile(String),
    #[error("o servidor está em execução: pare-o, renove o token e inicie-o de novo")]
    Running,
    #[error(
        "o banco {0} ainda não existe: inicie o servidor uma vez, que o cria e faz o primeiro token"
    )]
    NoDatabase(String),
    #[error("{nome:?} não pode ser o nome de um token: {NAME_RULE}")]
    Name { nome: String },
    #[error("o nome de um token novo {0}")]
    ReservedName(String),
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error("o servidor em execução recusou: {0}")]
    RunningRefused(String),
    #[error("o servidor em execução não respondeu até o fim: {0}")]
    Unanswered(String),
    #[error("{path}: {source}")]
    Database { path: String, source: StoreError },
    #[error(transparent)]
    Tokens(#[from] TokensError),
}

/// The body of `POST /tokens`.
#[derive(Serialize)]
struct CreateTokenBody<'a> {
    nome: &'a str,
    papel: &'a str,
}

/// As the API answers.
#[derive(Deserialize)]
struct MadeToken {
    token: String,
}

#[derive(Deserialize)]
struct ListedTokens {
    tokens: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    nome: String,
    papel: String,
    criado_em: Option<String>,
    ultimo_uso: Option<String>,
}

/// What is asked for besides the first token.
enum Asked {
    Create(String, TokenPapel),
    List,
    Revoke(String),
}

#[expect(clippy::print_stdout, reason = "the command line asked for this text")]
pub(crate) fn token(config: &Config, args: TokenArgs) -> Result<(), Box<dyn Error>> {
    let asked = match args {
        TokenArgs { renovar: true, .. } => {
            println!("{}", renew(config)?);
            return Ok(());
        }
        TokenArgs { listar: true, .. } => Asked::List,
        TokenArgs { revogar: Some(nome), .. } if is_name(&nome) => Asked::Revoke(nome),
        TokenArgs { nome: Some(nome), papel: Some(papel), .. } => {
            if is_name(&nome) && !is_new_name(&nome) {
                return Err(CommandError::ReservedName(reserved_rule()).into());
            }
            if !is_name(&nome) {
                return Err(CommandError::Name { nome }.into());
            }
            Asked::Create(nome, papel)
        }
        TokenArgs { revogar: Some(nome), .. } => return Err(CommandError::Name { nome }.into()),
        _ => {
            println!("{}", first(config)?);
            return Ok(());
        }
    };
    let text = if is_running(config)? {
        by_the_running_servidor(config, &asked)?
    } else {
        offline(config, async |tokens| carry_out(&tokens, &asked).await)?
    };
    print!("{text}");
    Ok(())
}

/// The token in the file.
fn first(config: &Config) -> Result<String, CommandError> {
    if config.admin_access == AdminAccess::Open {
        return Err(CommandError::Open(config.server_id.to_string()));
    }
    let file = config.token_file();
    token_file::read(&file).map_err(|error| match error {
        error if error.is_missing() => CommandError::NoFile(file.display().to_string()),
        error if error.is_denied() => CommandError::OtherUser(error),
        error => CommandError::File(error),
    })
}

fn database_error(config: &Config, source: StoreError) -> CommandError {
    CommandError::Database { path: config.database_url.path().display().to_string(), source }
}

fn is_running(config: &Config) -> Result<bool, CommandError> {
    let in_use = is_in_use(config.database_url.path(), config.server_id.as_str());
    in_use.map_err(|source| database_error(config, source))
}

fn renew(config: &Config) -> Result<String, CommandError> {
    if let AdminAccess::TokensAndFile(file) = &config.admin_access {
        return Err(CommandError::OwnFile(file.display().to_string()));
    }
    if is_running(config)? {
        return Err(CommandError::Running);
    }
    offline(config, async |tokens| Ok(tokens.renew(Author::CommandLine).await?))?;
    first(config)
}

/// Does something with the tokens of a servidor that is stopped.
fn offline<T>(
    config: &Config,
    work: impl AsyncFnOnce(AdminTokens) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let path = config.database_url.path();
    if path.try_exists().is_ok_and(|exists| !exists) {
        return Err(CommandError::NoDatabase(path.display().to_string()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| database_error(config, StoreError::Thread(error)))?;
    runtime.block_on(async {
        let opened = open_store(config).await;
        // Kept until the end: without a receiver, each write would warn that its changes are lost.
        let (store, closer, _changes) = opened.map_err(|source| database_error(config, source))?;
        let tokens = AdminTokens::load(&store, config).await?;
        let done = work(tokens).await;
        drop(store);
        closer.close().await.map_err(|source| database_error(config, source))?;
        done
    })
}

async fn carry_out(tokens: &AdminTokens, asked: &Asked) -> Result<String, CommandError> {
    match asked {
        Asked::Create(nome, papel) => {
            Ok(format!("{}\n", tokens.create(Author::CommandLine, nome, *papel).await?))
        }
        Asked::Revoke(nome) => {
            tokens.revoke(Author::CommandLine, nome).await?;
            Ok(revoked(nome))
        }
        Asked::List => {
            let listed = tokens.list().await.map_err(TokensError::from)?;
            let listed = listed.iter().map(|(token, made)| Listed {
                nome: token.name().to_owned(),
                papel: papel(token.role()).as_str().to_owned(),
                criado_em: made.map(wire::time_text),
                ultimo_uso: None,
            });
            Ok(table(listed))
        }
    }
}

fn by_the_running_servidor(config: &Config, asked: &Asked) -> Result<String, CommandError> {
    let own = running_servidor::find(config)?;
    match asked {
        Asked::Create(nome, papel) => {
            let body = serde_json::to_vec(&CreateTokenBody { nome, papel: papel.as_str() });
            let body = body.unwrap_or_default();
            let answer = own.post("/tokens", "application/json", &body, LIMIT);
            Ok(format!("{}\n", read::<MadeToken>(answer)?.token))
        }
        Asked::Revoke(nome) => {
            let answer = own.delete(&format!("/tokens/{nome}"), LIMIT);
            match answer {
                Ok(answer) if answer.status_line.starts_with("HTTP/1.1 204") => Ok(revoked(nome)),
                answer => read::<serde_json::Value>(answer).map(|_| revoked(nome)),
            }
        }
        Asked::List => {
            let tokens = read::<ListedTokens>(list(&own))?.tokens;
            Ok(table(tokens.into_iter()))
        }
    }
}

fn list(own: &OwnInstance) -> std::io::Result<OwnAnswer> {
    own.get("/tokens", LIMIT)
}

fn read<T: for<'de> Deserialize<'de>>(
    answer: std::io::Result<OwnAnswer>,
) -> Result<T, CommandError> {
    let answer = answer.map_err(|error| CommandError::Unanswered(error.to_string()))?;
    let is_success = answer.status_line.starts_with("HTTP/1.1 2");
    match serde_json::from_slice(&answer.body) {
        Ok(read) if is_success => Ok(read),
        _ => Err(match running_servidor::error_of(&answer) {
            Ok(mensagem) => CommandError::RunningRefused(mensagem),
            Err(text) => CommandError::Unanswered(text),
        }),
    }
}

fn revoked(nome: &str) -> String {
    format!("o token {nome} foi revogado\n")
}

fn table(tokens: impl Iterator<Item = Listed>) -> String {
    let line = |nome: &str, papel: &str, made: &str, used: &str| {
        format!("{nome:<24} {papel:<9} {made:<25} {used}").trim_end().to_owned() + "\n"
    };
    let head = line("nome", "papel", "criado em", "último uso");
    let rows = tokens.map(|token| {
        let made = token.criado_em.unwrap_or_default();
        line(&token.nome, &token.papel, &made, &token.ultimo_uso.unwrap_or_default())
    });
    std::iter::once(head).chain(rows).collect()
}
