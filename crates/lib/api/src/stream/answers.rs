//! Answers received by tag.

use tonic::{Code, Status};

use super::Answer;
use crate::mailbox::v1::DeliverResponse;
use crate::queue::v1::{CompleteResponse, complete_response};

impl Answer for CompleteResponse {
    fn tag(&self) -> u64 {
        self.tag
    }

    fn says_unavailable(&self) -> Option<Status> {
        match &self.result {
            Some(complete_response::Result::Failure(failure)) => {
                Some(Status::from(failure.clone())).filter(|it| it.code() == Code::Unavailable)
            }
            _ => None,
        }
    }
}

impl Answer for DeliverResponse {
    fn tag(&self) -> u64 {
        self.tag
    }
}
