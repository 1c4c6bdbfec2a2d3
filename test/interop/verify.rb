# Reads {"token", "key" | "jwks_uri", "algorithm", "issuer", "audience"} from stdin; prints the claims, or the error's name.
require 'base64'
require 'json'
require 'jwt'
require 'net/http'

asked = JSON.parse($stdin.read)
options = {
  algorithm: asked['algorithm'],
  iss: asked['issuer'], verify_iss: true,
  aud: asked['audience'], verify_aud: true,
  verify_iat: true,
  required_claims: %w[exp iat sub jti]
}
key = asked['key']
unless key
  jwks = JSON.parse(Net::HTTP.get(URI(asked['jwks_uri'])), symbolize_names: true)
  named = jwks[:keys].find { |one| one[:kid] == JWT.decode(asked['token'], nil, false)[1]['kid'] }
  if named[:kty] == 'OKP'
    # This ruby-jwt verifies by Ed25519, but reads no such key from a set.
    require 'rbnacl'
    key = RbNaCl::Signatures::Ed25519::VerifyKey.new(Base64.urlsafe_decode64(named[:x]))
  else
    options[:jwks] = jwks
  end
end
begin
  claims, = JWT.decode(asked['token'], key, true, options)
  puts JSON.generate(claims: claims)
rescue JWT::DecodeError => e
  puts JSON.generate(error: e.class.name.split('::').last)
end
