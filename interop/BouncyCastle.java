// Makes and opens entities of S/MIME with the generators and readers of BouncyCastle, for with_bouncycastle.py: one command a
// line on standard input as `verb key=value…` with tabs between, one answer a line. Of AS2 itself, names and receipts, it
// knows nothing.

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.mail.internet.MimeBodyPart;
import javax.mail.internet.MimeMultipart;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.cms.CMSObjectIdentifiers;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cms.CMSAlgorithm;
import org.bouncycastle.cms.CMSAuthEnvelopedData;
import org.bouncycastle.cms.CMSAuthEnvelopedDataGenerator;
import org.bouncycastle.cms.CMSCompressedData;
import org.bouncycastle.cms.CMSEnvelopedData;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.RecipientInformation;
import org.bouncycastle.cms.RecipientInformationStore;
import org.bouncycastle.cms.SignerInfoGenerator;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoGeneratorBuilder;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.cms.jcajce.JceCMSContentEncryptorBuilder;
import org.bouncycastle.cms.jcajce.JceKeyTransAuthEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransEnvelopedRecipient;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientId;
import org.bouncycastle.cms.jcajce.JceKeyTransRecipientInfoGenerator;
import org.bouncycastle.cms.jcajce.ZlibCompressor;
import org.bouncycastle.cms.jcajce.ZlibExpanderProvider;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.mail.smime.SMIMECompressedGenerator;
import org.bouncycastle.mail.smime.SMIMEEnvelopedGenerator;
import org.bouncycastle.mail.smime.SMIMESigned;
import org.bouncycastle.mail.smime.SMIMESignedGenerator;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.OutputEncryptor;
import org.bouncycastle.operator.jcajce.JcaAlgorithmParametersConverter;

public class BouncyCastle {
    private static final Map<String, ASN1ObjectIdentifier> CIPHERS = Map.of(
        "3des", CMSAlgorithm.DES_EDE3_CBC, "aes128-cbc", CMSAlgorithm.AES128_CBC, "aes192-cbc", CMSAlgorithm.AES192_CBC,
        "aes256-cbc", CMSAlgorithm.AES256_CBC, "aes128-gcm", CMSAlgorithm.AES128_GCM, "aes192-gcm", CMSAlgorithm.AES192_GCM,
        "aes256-gcm", CMSAlgorithm.AES256_GCM);
    private static final Map<String, String> DIGESTS = Map.of(
        "1.3.14.3.2.26", "sha-1", "2.16.840.1.101.3.4.2.1", "sha-256", "2.16.840.1.101.3.4.2.2", "sha-384",
        "2.16.840.1.101.3.4.2.3", "sha-512");

    private final Path keys;

    private BouncyCastle(Path keys) {
        this.keys = keys;
    }

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BouncyCastle house = new BouncyCastle(Path.of(arguments[0]));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split("\t");
            Map<String, String> options = new HashMap<>();
            for (String word : words) {
                int at = word.indexOf('=');
                if (at > 0) {
                    options.put(word.substring(0, at), word.substring(at + 1));
                }
            }
            try {
                System.out.println("ok\t" + (words[0].equals("make") ? house.make(options) : house.open(options)));
            } catch (Exception error) {
                System.out.println("error\t" + String.valueOf(error).replaceAll("\\s+", " "));
            }
        }
    }

    private X509Certificate certificate(String name) throws Exception {
        try (InputStream pem = Files.newInputStream(keys.resolve(name + ".pem"))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(pem);
        }
    }

    private PrivateKey key(String name) throws Exception {
        try (PEMParser pem = new PEMParser(new FileReader(keys.resolve(name + ".key").toFile()))) {
            return new JcaPEMKeyConverter().getPrivateKey((PrivateKeyInfo) pem.readObject());
        }
    }

    private static byte[] keyId(X509Certificate certificate) throws Exception {
        return new JcaX509ExtensionUtils().createSubjectKeyIdentifier(certificate.getPublicKey()).getKeyIdentifier();
    }

    /** The whole entity, header lines and all. */
    private static byte[] written(MimeBodyPart part) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        part.writeTo(bytes);
        return bytes.toByteArray();
    }

    private static MimeBodyPart read(byte[] entity) throws Exception {
        return new MimeBodyPart(new ByteArrayInputStream(entity));
    }

    private static String digest(String name, byte[] bytes) throws Exception {
        return Base64.getEncoder().encodeToString(MessageDigest.getInstance(name).digest(bytes));
    }

    /** Wraps the entity of `in` as is asked into `out`: sign, signer, compress, encrypt, form, transport, by, encoding. */
    private String make(Map<String, String> options) throws Exception {
        MimeBodyPart part = read(Files.readAllBytes(Path.of(options.get("in"))));
        String encoding = options.getOrDefault("encoding", "binary");
        String mic = digest(options.getOrDefault("mic", "SHA-256"), written(part));
        if ("before".equals(options.get("compress"))) {
            part = compressed(part, encoding);
        }
        if (options.containsKey("sign")) {
            mic = digest(options.getOrDefault("mic", "SHA-256"), written(part));
            part = signed(part, options);
        }
        if ("after".equals(options.get("compress"))) {
            part = compressed(part, encoding);
        }
        if (options.containsKey("encrypt")) {
            part = encrypted(part, encoding, options);
        }
        Files.write(Path.of(options.get("out")), written(part));
        return "mic=" + mic;
    }

    private static MimeBodyPart compressed(MimeBodyPart part, String encoding) throws Exception {
        SMIMECompressedGenerator generator = new SMIMECompressedGenerator();
        generator.setContentTransferEncoding(encoding);
        return read(written(generator.generate(part, new ZlibCompressor())));
    }

    private MimeBodyPart signed(MimeBodyPart part, Map<String, String> options) throws Exception {
        X509Certificate own = certificate(options.get("signer"));
        JcaSimpleSignerInfoGeneratorBuilder builder = new JcaSimpleSignerInfoGeneratorBuilder().setProvider("BC");
        PrivateKey key = key(options.get("signer"));
        SignerInfoGenerator signer = "key-id".equals(options.get("by"))
            ? builder.build(options.get("sign"), key, keyId(own)) : builder.build(options.get("sign"), key, own);
        SMIMESignedGenerator generator = new SMIMESignedGenerator();
        generator.addSignerInfoGenerator(signer);
        if (!"none".equals(options.get("certificates"))) {
            generator.addCertificates(new JcaCertStore(List.of(own)));
        }
        if ("opaque".equals(options.get("form"))) {
            return generator.generateEncapsulated(part);
        }
        MimeMultipart both = generator.generate(part);
        MimeBodyPart outer = new MimeBodyPart();
        outer.setContent(both);
        outer.setHeader("Content-Type", both.getContentType());
        return outer;
    }

    private MimeBodyPart encrypted(MimeBodyPart part, String encoding, Map<String, String> options) throws Exception {
        List<JceKeyTransRecipientInfoGenerator> recipients = new ArrayList<>();
        for (String name : options.get("to").split(",")) {
            X509Certificate to = certificate(name);
            String transport = options.getOrDefault("transport", "pkcs1");
            if ("key-id".equals(options.get("by"))) {
                recipients.add(new JceKeyTransRecipientInfoGenerator(keyId(to), to.getPublicKey()));
            } else if (transport.startsWith("oaep-")) {
                String digest = "SHA-" + transport.substring("oaep-sha".length());
                OAEPParameterSpec how =
                    new OAEPParameterSpec(digest, "MGF1", new MGF1ParameterSpec(digest), PSource.PSpecified.DEFAULT);
                recipients.add(new JceKeyTransRecipientInfoGenerator(to, new JcaAlgorithmParametersConverter()
                    .getAlgorithmIdentifier(PKCSObjectIdentifiers.id_RSAES_OAEP, how)));
            } else {
                recipients.add(new JceKeyTransRecipientInfoGenerator(to));
            }
        }
        OutputEncryptor encryptor =
            new JceCMSContentEncryptorBuilder(CIPHERS.get(options.get("encrypt"))).setProvider("BC").build();
        if ("auth-enveloped".equals(options.get("gcm_form"))) {
            CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
            recipients.forEach(one -> generator.addRecipientInfoGenerator(one.setProvider("BC")));
            byte[] made = generator
                .generate(new CMSProcessableByteArray(written(part)), (OutputAEADEncryptor) encryptor).getEncoded();
            byte[] head = ("Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data\r\n"
                + "Content-Transfer-Encoding: binary\r\n\r\n").getBytes();
            ByteArrayOutputStream whole = new ByteArrayOutputStream();
            whole.write(head);
            whole.write(made);
            return read(whole.toByteArray());
        }
        SMIMEEnvelopedGenerator generator = new SMIMEEnvelopedGenerator();
        generator.setContentTransferEncoding(encoding);
        recipients.forEach(one -> generator.addRecipientInfoGenerator(one.setProvider("BC")));
        return generator.generate(part, encryptor);
    }

    /** Opens the entity of `in` into `out`: the layers, the outermost first, and the digest that a receipt has to name. */
    private String open(Map<String, String> options) throws Exception {
        byte[] entity = Files.readAllBytes(Path.of(options.get("in")));
        List<String> layers = new ArrayList<>();
        String mic = null;
        MimeBodyPart part = read(entity);
        while (true) {
            if (part.isMimeType("multipart/signed")) {
                SMIMESigned signed = new SMIMESigned((MimeMultipart) part.getContent());
                String digest = verified(signed, options.get("signers"));
                layers.add("signed " + digest);
                part = signed.getContent();
                mic = digest(digest.toUpperCase(), written(part)) + ", " + digest;
                continue;
            }
            if (!part.isMimeType("application/pkcs7-mime") && !part.isMimeType("application/x-pkcs7-mime")) {
                break;
            }
            byte[] cms = part.getInputStream().readAllBytes();
            ASN1ObjectIdentifier kind = ContentInfo.getInstance(cms).getContentType();
            if (kind.equals(CMSObjectIdentifiers.compressedData)) {
                layers.add("compressed");
                entity = new CMSCompressedData(cms).getContent(new ZlibExpanderProvider());
            } else if (kind.equals(CMSObjectIdentifiers.authEnvelopedData)) {
                CMSAuthEnvelopedData data = new CMSAuthEnvelopedData(cms);
                entity = recipient(data.getRecipientInfos(), options.get("key"))
                    .getContent(new JceKeyTransAuthEnvelopedRecipient(key(options.get("key"))).setProvider("BC"));
                layers.add("auth-enveloped");
            } else {
                CMSEnvelopedData data = new CMSEnvelopedData(cms);
                entity = recipient(data.getRecipientInfos(), options.get("key"))
                    .getContent(new JceKeyTransEnvelopedRecipient(key(options.get("key"))).setProvider("BC"));
                String oid = data.getEncryptionAlgOID();
                layers.add("encrypted " + CIPHERS.entrySet().stream().filter(one -> one.getValue().getId().equals(oid))
                    .map(Map.Entry::getKey).findFirst().orElse(oid));
            }
            part = read(entity);
        }
        byte[] payload = part.getInputStream().readAllBytes();
        Files.write(Path.of(options.get("out")), payload);
        if (mic == null) {
            mic = digest("SHA-256", layers.isEmpty() ? payload : entity) + ", sha-256";
        }
        return String.join("\t", "layers=" + String.join(", ", layers), "mic=" + mic,
            "type=" + part.getContentType().replaceAll("\\s+", " "));
    }

    private RecipientInformation recipient(RecipientInformationStore all, String name) throws Exception {
        RecipientInformation found = all.get(new JceKeyTransRecipientId(certificate(name)));
        if (found == null) {
            throw new IllegalArgumentException("expected " + name + " among the recipients");
        }
        return found;
    }

    /** The digest of the one signature, which must be one of these certificates. */
    private String verified(SMIMESigned signed, String names) throws Exception {
        Collection<SignerInformation> signers = signed.getSignerInfos().getSigners();
        SignerInformation signer = signers.iterator().next();
        for (String name : names.split(",")) {
            X509Certificate certificate = certificate(name);
            if (signer.getSID().match(new org.bouncycastle.cert.jcajce.JcaX509CertificateHolder(certificate))
                && signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certificate))) {
                return DIGESTS.getOrDefault(signer.getDigestAlgOID(), signer.getDigestAlgOID());
            }
        }
        throw new IllegalArgumentException("expected a signature of " + names);
    }
}
