# Keeps short links, with Sinatra and ActiveRecord.
require "sinatra"
require "active_record"

ActiveRecord::Base.establish_connection(url: ENV.fetch("DATABASE_URL"), pool: 8)

class Link < ActiveRecord::Base
end

before { content_type :json }
after { ActiveRecord::Base.clear_active_connections! }

get "/up" do
  "ok".to_json
end

get "/links" do
  Link.order(:id).to_json
end

post "/links" do
  status 201
  Link.create!(name: params[:name], url: params[:url]).to_json
end

get "/links/:id" do
  (Link.find_by(id: params[:id]) || halt(404)).to_json
end

# Leads on and counts the visit: a GET that writes.
get "/go/:name" do
  link = Link.find_by(name: params[:name]) || halt(404)
  link.increment!(:visits)
  redirect link.url
end
