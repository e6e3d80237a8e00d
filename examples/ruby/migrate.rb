# Makes the table. It runs once for each release, before any machine has it.
require "active_record"

ActiveRecord::Base.establish_connection(ENV.fetch("DATABASE_URL"))
ActiveRecord::Schema.define do
  create_table :links, if_not_exists: true do |t|
    t.string :name, null: false, index: { unique: true }
    t.string :url, null: false
    t.integer :visits, null: false, default: 0
  end
end
