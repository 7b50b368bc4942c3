//! Several nodes on one PostgreSQL database: any of them serves any attempt, and what one does the others know.

mod balancer;
mod database;
mod deploy;
mod lessons;
mod migrate;
mod one_site;
mod together;

use keju_tests::kit::{Backend, Client, Server, Site};

/// A site and a second server on its database.
struct Nodes {
    site: Site,
    other: Server,
}

impl Nodes {
    async fn start() -> Self {
        let site = Site::start_on(Backend::Postgres).await;
        let other = site.server.another_node(2);
        Self { site, other }
    }

    /// The same device and session at the other node.
    fn there(&self, client: &Client) -> Client {
        client.at(self.other.url())
    }

    /// The device at this node and at that one, in turns.
    fn in_turns(&self, client: &Client) -> impl Iterator<Item = Client> + use<> {
        let both = [client.clone(), self.there(client)];
        both.into_iter().cycle()
    }
}
