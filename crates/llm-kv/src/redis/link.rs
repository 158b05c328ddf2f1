//! One connection to whichever kind of installation it is.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _,
    RedisConnectionInfo, RedisError, RedisResult, TlsCertificates, TlsMode, Value,
};

use super::client::ends_connection;
use super::command::Reply;
use super::settings::{Endpoint, RedisSettings, RedisTls, Servers};

/// A connection that many may use at once. It is a channel to tasks on the runtime that made it.
#[derive(Clone)]
pub(crate) enum Wire {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Wire {
    /// Connects and logs in. Takes as long as it takes: whoever calls limits it.
    pub(crate) async fn connect(settings: &RedisSettings) -> RedisResult<Self> {
        match &settings.servers {
            Servers::Single(endpoint) => {
                let info = addr(endpoint, settings.tls.as_ref()).into_connection_info()?;
                let info = info.set_redis_settings(login(settings)).set_tcp_settings(tcp());
                Self::one(&client(info, settings.tls.as_ref())?).await
            }
            Servers::Sentinel { nodes, service, username, password } => {
                let addrs = nodes.iter().map(|(host, port)| ConnectionAddr::Tcp(host.clone(), *port));
                let mut builder = SentinelClientBuilder::new(addrs, service.clone(), SentinelServerType::Master)?
                    .set_client_to_redis_db(settings.db)
                    .set_client_to_redis_tcp_settings(tcp())
                    .set_client_to_sentinel_tcp_settings(tcp());
                if let Some(tls) = &settings.tls {
                    let mode = mode(tls);
                    builder = builder
                        .set_client_to_redis_tls_mode(mode)
                        .set_client_to_sentinel_tls_mode(mode)
                        .set_client_to_redis_certificates(certificates(tls))
                        .set_client_to_sentinel_certificates(certificates(tls));
                }
                if let Some(name) = &settings.username {
                    builder = builder.set_client_to_redis_username(name);
                }
                if let Some(secret) = &settings.password {
                    builder = builder.set_client_to_redis_password(secret.expose());
                }
                if let Some(name) = username {
                    builder = builder.set_client_to_sentinel_username(name);
                }
                if let Some(secret) = password {
                    builder = builder.set_client_to_sentinel_password(secret.expose());
                }
                Self::one(&builder.build()?.async_get_client().await?).await
            }
            Servers::Cluster(nodes) => Self::cluster(nodes, settings).await,
        }
    }

    async fn one(client: &Client) -> RedisResult<Self> {
        // Everything is limited outside; in here a late answer is only read and thrown away.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(1024);
        Ok(Self::One(client.get_multiplexed_async_connection_with_config(&config).await?))
    }

    async fn cluster(nodes: &[(String, u16)], settings: &RedisSettings) -> RedisResult<Self> {
        let infos = nodes
            .iter()
            .map(|(host, port)| {
                let endpoint = Endpoint::Tcp(host.clone(), *port);
                addr(&endpoint, settings.tls.as_ref()).into_connection_info()
            })
            .collect::<RedisResult<Vec<ConnectionInfo>>>()?;
        let mut builder = redis::cluster::ClusterClientBuilder::new(infos)
            .connection_timeout(settings.connect_timeout)
            .response_timeout(settings.deadline)
            .overall_response_timeout(None)
            .tcp_settings(tcp())
            .retries(2);
        if let Some(tls) = &settings.tls {
            builder = builder.tls(mode(tls)).certs(certificates(tls));
        }
        if let Some(name) = &settings.username {
            builder = builder.username(name);
        }
        if let Some(secret) = &settings.password {
            builder = builder.password(secret.expose());
        }
        Ok(Self::Cluster(builder.build()?.get_async_connection().await?))
    }

    pub(crate) async fn send(&mut self, command: &redis::Cmd) -> RedisResult<Value> {
        let value = match self {
            Self::One(wire) => wire.req_packed_command(command).await?,
            Self::Cluster(wire) => wire.req_packed_command(command).await?,
        };
        match value {
            Value::ServerError(error) => Err(RedisError::from(error)),
            value => Ok(value),
        }
    }

    /// Several commands, answered in their order; a refused one is an answer. On a cluster they go to their nodes at the
    /// same time, elsewhere one after the other in one packet.
    pub(crate) async fn send_all(&mut self, commands: &[redis::Cmd]) -> RedisResult<Vec<Reply>> {
        match self {
            Self::One(wire) => {
                let mut pipeline = redis::Pipeline::with_capacity(commands.len());
                for command in commands {
                    pipeline.add_command(command.clone());
                }
                pipeline.ignore_errors();
                let values = wire.req_packed_commands(&pipeline, 0, commands.len()).await?;
                values.into_iter().map(|value| settled(Ok(value))).collect()
            }
            Self::Cluster(wire) => {
                let calls = commands.iter().map(|command| {
                    let mut wire = wire.clone();
                    async move { settled(wire.req_packed_command(command).await) }
                });
                futures_util::future::try_join_all(calls).await
            }
        }
    }

    /// To one node of a cluster; elsewhere there is only one.
    pub(crate) async fn send_to(&mut self, node: Option<&(String, u16)>, command: redis::Cmd) -> RedisResult<Value> {
        match (self, node) {
            (Self::Cluster(wire), Some((host, port))) => {
                let node = SingleNodeRoutingInfo::ByAddress { host: host.clone(), port: *port };
                wire.route_command(command, RoutingInfo::SingleNode(node)).await
            }
            (wire, _) => wire.send(&command).await,
        }
    }
}

/// A refusal of one command is an answer; what ends the connection is not.
fn settled(result: RedisResult<Value>) -> RedisResult<Reply> {
    let error = match result {
        Ok(Value::ServerError(error)) => RedisError::from(error),
        Ok(value) => return Ok(Reply::of(value)),
        Err(error) => error,
    };
    if ends_connection(&error) { Err(error) } else { Ok(Reply::Refused(error.to_string())) }
}

fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

fn addr(endpoint: &Endpoint, tls: Option<&RedisTls>) -> ConnectionAddr {
    match (endpoint, tls) {
        (Endpoint::Unix(path), _) => ConnectionAddr::Unix(path.clone()),
        (Endpoint::Tcp(host, port), None) => ConnectionAddr::Tcp(host.clone(), *port),
        (Endpoint::Tcp(host, port), Some(tls)) => {
            ConnectionAddr::TcpTls { host: host.clone(), port: *port, insecure: tls.insecure, tls_params: None }
        }
    }
}

fn client(info: ConnectionInfo, tls: Option<&RedisTls>) -> RedisResult<Client> {
    match (info.addr(), tls) {
        (ConnectionAddr::TcpTls { .. }, Some(tls)) => Client::build_with_tls(info, certificates(tls)),
        _ => Client::open(info),
    }
}

const fn mode(tls: &RedisTls) -> TlsMode {
    if tls.insecure { TlsMode::Insecure } else { TlsMode::Secure }
}

fn certificates(tls: &RedisTls) -> TlsCertificates {
    let client = tls.client.as_ref().map(|(certificate, key)| ClientTlsConfig {
        client_cert: certificate.clone(),
        client_key: key.expose().as_bytes().to_vec(),
    });
    TlsCertificates { client_tls: client, root_cert: tls.ca.clone() }
}

fn login(settings: &RedisSettings) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default().set_db(settings.db);
    if let Some(name) = &settings.username {
        login = login.set_username(name);
    }
    if let Some(secret) = &settings.password {
        login = login.set_password(secret.expose());
    }
    login
}
