//! This worker's identity at the queue.

/// A worker's unique name. Containers of one image have the same host name and process id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Readable and unique: `mail-7f9c:1:5a1c09e37b42d8f6`.
    pub(crate) name: String,
    /// Identifies the process, on every stream.
    pub(crate) instance: String,
}

impl Identity {
    /// Draws an identity that begins with the configured name, or with machine and process id.
    pub(crate) fn draw(called: Option<&str>, machine: &str) -> Self {
        let instance = format!("{:016x}", rand::random::<u64>());
        let name = match called {
            Some(called) => format!("{called}:{instance}"),
            None => format!("{machine}:{}:{instance}", std::process::id()),
        };
        Self { name, instance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_workers_of_one_host_name_and_process_id_have_the_same_name() {
        for called in [None, Some("one")] {
            let [first, second] = [(); 2].map(|()| Identity::draw(called, "mail.example.test"));
            assert_ne!(first.name, second.name);
            assert_ne!(first.instance, second.instance);
            assert!(
                first
                    .name
                    .starts_with(called.unwrap_or("mail.example.test"))
            );
        }
    }
}
