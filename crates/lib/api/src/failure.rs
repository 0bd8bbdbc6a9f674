//! Failures within a continuing stream, with gRPC's codes.

use crate::message::v1;

impl From<tonic::Status> for v1::Failure {
    fn from(status: tonic::Status) -> Self {
        Self {
            code: status.code() as i32,
            message: status.message().to_owned(),
        }
    }
}

impl From<v1::Failure> for tonic::Status {
    fn from(failure: v1::Failure) -> Self {
        Self::new(tonic::Code::from_i32(failure.code), failure.message)
    }
}
