use super::*;

fn pem() -> String {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["broker".to_owned()]).expect("a name");
    params.self_signed(&key).expect("a certificate").pem()
}

fn read_pem(text: &[u8]) -> Result<usize, String> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("it is written");
    let found = certificates(CA_FILE, file.path()).map_err(|error| error.to_string())?;
    Ok(found.len())
}

#[test]
fn every_certificate_of_a_file_is_read_or_the_file_is_refused() {
    let [first, second] = [pem(), pem()];
    assert_eq!(read_pem(format!("{first}{second}").as_bytes()), Ok(2));
    assert_eq!(read_pem(format!("# the new one\n{first}\n{second}").as_bytes()), Ok(2));
    let with_mark = [BYTE_ORDER_MARK, first.as_bytes(), second.as_bytes()].concat();
    assert_eq!(read_pem(&with_mark), Ok(2));
    let joined = format!("{}{second}", first.trim_end());
    let refused = read_pem(joined.as_bytes()).expect_err("the second would be passed over");
    assert!(refused.contains("line break"), "{refused}");
    let refused = read_pem(format!("x{first}{second}").as_bytes()).expect_err("the first");
    assert!(refused.contains("line break"), "{refused}");
    let commented = first.lines().map(|line| format!("# {line}\n")).collect::<String>();
    assert_eq!(read_pem(format!("{commented}{second}").as_bytes()), Ok(1));
    let trusted = first.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let refused = read_pem(format!("{trusted}{second}").as_bytes()).expect_err("the first");
    assert!(refused.contains("a TRUSTED CERTIFICATE"), "{refused}");
}

#[test]
fn a_password_begins_after_the_byte_order_mark() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), [BYTE_ORDER_MARK, b"secret\r\n"].concat()).expect("written");
    assert_eq!(read_password(file.path()).expect("a password"), "secret");
}
