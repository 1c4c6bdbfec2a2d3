# Reads {"token", "key" | "jwks_uri", "algorithm", "issuer", "audience"} from stdin; prints the claims, or the error's name.
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
options[:jwks] = JSON.parse(Net::HTTP.get(URI(asked['jwks_uri'])), symbolize_names: true) unless asked['key']
begin
  claims, = JWT.decode(asked['token'], asked['key'], true, options)
  puts JSON.generate(claims: claims)
rescue JWT::DecodeError => e
  puts JSON.generate(error: e.class.name.split('::').last)
end
