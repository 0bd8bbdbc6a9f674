//! APPEND, and reading octets.

use super::*;

#[tokio::test]
async fn octets_of_a_message_are_read_from_any_offset() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let body = kit.body(MESSAGE).await;
    kit.deliver(vec![kit.delivery("bob@example.test", body)])
        .await;
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let whole = [b"Delivered-To: bob@example.test\r\n".as_slice(), MESSAGE].concat();
    let octets = async |offset: usize, length: usize| -> Result<Vec<u8>> {
        let pieces = read(&kit.store, inbox, 1, offset as u64, length as u64).await?;
        let pieces: Vec<_> = pieces.try_collect().await?;
        Ok(pieces.concat())
    };
    for offset in 0..whole.len() + 2 {
        let start = offset.min(whole.len());
        assert_eq!(octets(offset, 0).await.unwrap(), whole[start..], "{offset}");
        for length in [1, 5, 33, 1000] {
            let end = (start + length).min(whole.len());
            assert_eq!(octets(offset, length).await.unwrap(), whole[start..end]);
        }
    }
    let missing = read(&kit.store, inbox, 2, 0, 0).await.err();
    assert!(matches!(missing, Some(Error::NotFound(_))));
}

#[tokio::test]
async fn a_large_append_comes_by_an_upload_and_is_stored_once() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let text: Vec<u8> = (0..700_000u32)
        .map(|n| b"abcdefg\r\n"[n as usize % 9])
        .collect();
    let pieces = text
        .chunks(100_000)
        .map(|piece| Ok::<_, Error>(piece.to_vec().into()))
        .collect::<Vec<_>>();
    let stored = volume::store_text(
        kit.store.pool(),
        kit.store.body_ids(),
        futures::stream::iter(pieces),
        1_000_000,
        0,
    )
    .await
    .unwrap();
    let header = b"Subject: large\r\n\r\n";
    let mut large = content(&[header.as_slice(), &text].concat());
    large.text = Some(api::message::v1::content::Text::Stored(stored.name()));
    let mut wrong = large.clone();
    wrong.text_size -= 1;
    let wrong = Append::new(bob, name("INBOX"), wrong).unwrap();
    assert!(append(&kit.store, &wrong).await.is_err());
    // An upload belongs to whoever knows its name: the number alone takes nobody's text.
    let mut guessed = large.clone();
    let of_another = volume::StoredText {
        token: [7; 16],
        ..stored
    };
    guessed.text = Some(api::message::v1::content::Text::Stored(of_another.name()));
    let guessed = Append::new(bob, name("INBOX"), guessed).unwrap();
    let refused = append(&kit.store, &guessed).await;
    assert!(
        matches!(refused, Err(Error::Volume(volume::Error::NoUpload))),
        "{refused:?}"
    );
    let large = Append::new(bob, name("INBOX"), large).unwrap();
    let appended = append(&kit.store, &large).await.unwrap();
    // An upload can be used once.
    assert!(append(&kit.store, &large).await.is_err());
    let inbox = kit.mailbox_id(bob, "INBOX").await;
    let pieces = read(&kit.store, inbox, appended.uid, header.len() as u64, 0)
        .await
        .unwrap();
    let pieces: Vec<_> = pieces.try_collect().await.unwrap();
    assert!(pieces.concat() == text);
    let wanted = FetchItems {
        content_up_to: 1_000_000,
        ..FetchItems::default()
    };
    kit.append(bob, "INBOX", MESSAGE).await;
    let messages = all(fetch(kit.store.clone(), inbox, UidSet::all(), wanted))
        .await
        .unwrap();
    let sizes: Vec<usize> = messages
        .iter()
        .map(|message| message.content.as_ref().unwrap().len())
        .collect();
    assert_eq!(sizes, [header.len() + text.len(), MESSAGE.len()]);
}

#[tokio::test]
async fn an_append_that_cannot_be_is_refused_and_leaves_nothing() {
    let kit = TestStore::start().await;
    let bob = kit.user("bob@example.test").await;
    let nowhere = Append::new(bob, name("Nope"), content(MESSAGE)).unwrap();
    assert!(matches!(
        append(&kit.store, &nowhere).await,
        Err(Error::NotFound(_))
    ));
    assert_eq!(kit.count("SELECT count(*) FROM volume.body").await, 0);
    let broken: [fn(&mut api::message::v1::Content); 3] = [
        |content| content.summary = None,
        |content| content.text_size += 1,
        |content| content.header = vec![b'x'; 200_000].into(),
    ];
    for breaks in broken {
        let mut content = content(MESSAGE);
        breaks(&mut content);
        assert!(matches!(
            Append::new(bob, name("INBOX"), content),
            Err(Error::Invalid(_))
        ));
    }
}
